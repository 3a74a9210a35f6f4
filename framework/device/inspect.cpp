#include "device/inspect.h"

#include <attnbench/provider.h>
#include <dlfcn.h>
#include <fmt/format.h>
#include <link.h>

#include <fstream>
#include <iterator>

#include "base/error.h"
#include "device/cuda_facts.h"
#include "device/device.h"
#include "device/nvml.h"

namespace attnbench {
namespace {

std::string major_minor(int major, int minor) {
  return fmt::format("{}.{}", major, minor);
}

// The ways in which NVIDIA's libraries tell their version.
std::string nvrtc_version(void* function) {
  int major = 0, minor = 0;
  reinterpret_cast<int (*)(int*, int*)>(function)(&major, &minor);
  return major_minor(major, minor);
}
std::string packed_version(void* function) {
  const size_t version = reinterpret_cast<size_t (*)()>(function)();
  return fmt::format("{}.{}.{}", version / 10000, version / 100 % 100, version % 100);
}

struct VersionCall {
  const char* function;
  std::string (*version)(void* function);
};
constexpr VersionCall kVersionCalls[] = {{"nvrtcVersion", nvrtc_version},
                                         {"cudnnGetVersion", packed_version},
                                         {"cublasLtGetVersion", packed_version}};
static_assert(std::size(kVersionCalls) == std::size(kCudaLibraries), "one call for each library");

std::string last_loader_error() {
  const char* text = dlerror();
  return text == nullptr ? "the loader says no reason" : text;
}

// It stays open: NVIDIA's libraries have threads and exit handlers of their own.
LibraryInspection inspect_library(const CudaLibrary& known, const VersionCall& call) {
  LibraryInspection found;
  found.name = known.name;
  found.file = known.file;
  void* const library = dlopen(known.file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == nullptr) {
    found.trouble = last_loader_error();
    return found;
  }
  link_map* map = nullptr;
  if (dlinfo(library, RTLD_DI_LINKMAP, &map) == 0 && map != nullptr) found.path = map->l_name;
  void* const function = dlsym(library, call.function);
  if (function == nullptr) {
    found.trouble = last_loader_error();
  } else {
    found.version = call.version(function);
  }
  return found;
}

std::string name_of_process(int64_t pid) {
  std::ifstream file(fmt::format("/proc/{}/comm", pid));
  std::string name;
  std::getline(file, name);
  return name;
}

void read_nvml(const uint8_t* uuid, GpuInspection* gpu) {
  const Nvml nvml(uuid);
  const GpuReading reading = nvml.read();
  gpu->sm_clock_mhz = static_cast<int>(reading.sm_clock_mhz);
  gpu->max_sm_clock_mhz = static_cast<int>(nvml.max_sm_clock_mhz());
  gpu->memory_clock_mhz = static_cast<int>(reading.memory_clock_mhz);
  gpu->temperature_c = static_cast<int>(reading.temperature_c);
  gpu->power_w = reading.power_w;
  gpu->power_limit_w = nvml.power_limit_w().value_or(0.0);
  gpu->throttle_reasons = throttle_reasons(reading.throttle_bits);
  gpu->used_bytes = nvml.used_bytes();
  if (const std::optional<bool> is_persistent = nvml.is_persistent()) {
    gpu->persistence = *is_persistent ? "on" : "off";
  }
  gpu->busy_percent = static_cast<int>(nvml.busy_percent());
  for (GpuProcess& process : nvml.processes()) {
    process.name = name_of_process(process.pid);
    gpu->processes.push_back(std::move(process));
  }
}

GpuInspection inspect_gpu(const CudaDriver& driver, int ordinal) {
  GpuInspection gpu;
  gpu.device = fmt::format("cuda:{}", ordinal);
  attn_device facts{};
  identify_cuda(driver, ordinal, facts, gpu.name);
  gpu.compute_capability = major_minor(facts.cc_major, facts.cc_minor);
  gpu.memory_bytes = facts.total_memory_bytes;
  try {
    read_nvml(facts.uuid, &gpu);
  } catch (const Error& error) {
    gpu.nvml_trouble = error.line();
  }
  return gpu;
}

void inspect_driver(Inspection* inspection) {
  const CudaDriver driver;
  int version = 0;
  driver.check(driver.cuDriverGetVersion(&version), "asking for the driver's CUDA version");
  inspection->cuda_version = major_minor(version / 1000, version % 1000 / 10);
  int count = 0;
  driver.check(driver.cuDeviceGetCount(&count), "counting GPUs");
  for (int ordinal = 0; ordinal < count; ++ordinal) {
    inspection->gpus.push_back(inspect_gpu(driver, ordinal));
  }
}

}  // namespace

Inspection inspect_cuda() {
  Inspection inspection;
  try {
    inspect_driver(&inspection);
  } catch (const Error& error) {
    inspection.driver_trouble = error.line();
  } catch (const DeviceError& error) {
    inspection.driver_trouble = error.what();
  }
  try {
    inspection.driver_version = nvml_driver_version();
  } catch (const Error& error) {
    inspection.nvml_trouble = error.line();
  }
  for (size_t i = 0; i < std::size(kCudaLibraries); ++i) {
    inspection.libraries.push_back(inspect_library(kCudaLibraries[i], kVersionCalls[i]));
  }
  return inspection;
}

}  // namespace attnbench
