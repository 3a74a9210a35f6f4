// The fp32 multiply-add peak of the processors this process may use, measured: a data sheet knows
// neither the clock under load nor how much of a core a virtual machine was given.
#pragma once

namespace attnbench {

// All of `threads` threads at once, for about 20 ms, widest vectors this machine has.
double measure_peak_tflops_fp32(int threads);

}  // namespace attnbench
