// What the GPU does with its clocks while it is measured, from NVIDIA's management library
// (libnvidia-ml.so.1, found at run time). A time without its clock and power says little: an H100
// under attention load runs at 1250 to 1600 MHz of its 1980, as its power limit lets it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "model/inspection.h"

namespace attnbench {

struct GpuReading {
  unsigned sm_clock_mhz = 0, memory_clock_mhz = 0, temperature_c = 0;
  double power_w = 0.0;
  uint64_t throttle_bits = 0;  // nvmlClocksEventReasons
};

class Nvml {
 public:
  // `uuid`: the GPU's 16 bytes. Throws Error where there is no NVML, or not for this GPU.
  explicit Nvml(const uint8_t* uuid);
  ~Nvml();
  // The library is shut down once.
  Nvml(const Nvml&) = delete;
  Nvml& operator=(const Nvml&) = delete;

  GpuReading read() const;      // what cannot be read stays 0
  double mean_power_w() const;  // of the last second, on Ampere and newer; 0 where not known
  std::optional<double> power_limit_w() const;

  // For people, once; what an older NVML cannot say is 0 or nothing.
  unsigned max_sm_clock_mhz() const;
  uint64_t used_bytes() const;
  unsigned busy_percent() const;
  std::optional<bool> is_persistent() const;  // the driver stays loaded without a user
  std::vector<GpuProcess> processes() const;  // that compute on this GPU; without names

 private:
  friend std::string nvml_driver_version();
  struct Functions;
  std::unique_ptr<Functions> functions_;
  void* device_ = nullptr;
};

// "580.95.05". Throws Error where there is no NVML.
std::string nvml_driver_version();

// Names of the bits set, without "gpu_idle": {"sw_power_cap"}.
std::vector<std::string> throttle_reasons(uint64_t bits);

// Reads from a thread of its own, every few milliseconds, from start to stop.
class GpuWatch {
 public:
  explicit GpuWatch(const Nvml& nvml) : nvml_(nvml) {}  // borrows it

  void start();
  std::vector<GpuReading> stop();  // at least one

 private:
  const Nvml& nvml_;
  std::vector<GpuReading> readings_;
  std::jthread thread_;
};

}  // namespace attnbench
