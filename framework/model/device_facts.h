// What is known of a device: what people want named beside a result, and what bounds it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace attnbench {

struct DeviceFacts {
  std::string device;          // "cpu", "cuda:0"
  std::string name;            // "AMD EPYC ...", "NVIDIA H100 80GB HBM3"
  std::string driver_version;  // of a GPU, as NVML tells it: "580.95.05"
  uint64_t memory_bytes = 0, free_bytes = 0, cache_bytes = 0;  // cache: last level
  int threads = 0;                                             // of the allowed cpuset, on a CPU
  std::optional<double> peak_tflops_fp32;   // measured (CPU) or from the data sheet (GPU), for the
  std::optional<double> peak_tflops_16bit;  // dtype's fastest dense path
  std::optional<double> peak_tflops_one_thread;  // fp32, measured (CPU)
  std::optional<double> peak_gbps;
};

}  // namespace attnbench
