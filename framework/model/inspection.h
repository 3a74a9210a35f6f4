// What a worker found out about NVIDIA's software and GPUs on this machine: facts, which `attnbench
// doctor` judges. "" and 0 are what could not be read.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace attnbench {

// What GPU providers open, by the names that the loader knows.
struct CudaLibrary {
  const char *name, *file;
};
inline constexpr CudaLibrary kCudaLibraries[] = {
    {"NVRTC", "libnvrtc.so.13"}, {"cuDNN", "libcudnn.so.9"}, {"cuBLASLt", "libcublasLt.so.13"}};

struct GpuProcess {
  int64_t pid = 0;
  std::string name;  // "" where it runs in another container
  uint64_t memory_bytes = 0;
};

struct GpuInspection {
  std::string device, name;        // "cuda:0", "NVIDIA H100 80GB HBM3"
  std::string compute_capability;  // "9.0"
  uint64_t memory_bytes = 0;
  std::string nvml_trouble;  // why the rest is not known
  uint64_t used_bytes = 0;
  int sm_clock_mhz = 0, max_sm_clock_mhz = 0, memory_clock_mhz = 0;
  int temperature_c = 0;
  double power_w = 0.0, power_limit_w = 0.0;
  std::vector<std::string> throttle_reasons;
  std::string persistence;  // "on", "off"
  int busy_percent = 0;     // of the last sampling period
  std::vector<GpuProcess> processes;
};

// A library as the worker's loader finds it: what a provider that asks for `file` would get.
struct LibraryInspection {
  std::string name;  // "cuDNN"
  std::string file;  // "libcudnn.so.9"
  std::string path, version;
  std::string trouble;  // why it cannot be used
};

struct Inspection {
  std::string driver_trouble, nvml_trouble;  // why there is no driver, no NVML
  std::string driver_version;                // "580.95.05"
  std::string cuda_version;                  // the newest that the driver runs: "13.0"
  std::vector<GpuInspection> gpus;
  std::vector<LibraryInspection> libraries;
};

}  // namespace attnbench
