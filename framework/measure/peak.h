// The peak that a trial's speed is a fraction of: that of the cores it was allowed to use.
#pragma once

#include <optional>

#include "model/device_facts.h"
#include "model/dtype.h"
#include "model/trial.h"

namespace attnbench {

// TFLOP/s of the whole device for this dtype, where known.
std::optional<double> device_peak_tflops(const DeviceFacts& facts, Dtype dtype);

// The same, but of `threads` threads if the plan resolved an option of that name to fewer than the
// device has: a provider on one core is measured against one core.
std::optional<double> trial_peak_tflops(const DeviceFacts& facts, Dtype dtype,
                                        const Options& resolved_options);

}  // namespace attnbench
