#include "device/nvml.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "base/error.h"

namespace attnbench {
namespace {

// Values of nvml.h.
constexpr int kSuccess = 0;
constexpr int kClockSm = 1, kClockMemory = 2;
constexpr int kTemperatureGpu = 0;
constexpr unsigned kFieldPowerInstant = 186;

// Often enough for a burst of 20 ms, seldom enough not to hold up the driver.
constexpr std::chrono::milliseconds kReadingInterval{5};

struct FieldValue {  // nvmlFieldValue_t
  unsigned field_id;
  unsigned scope_id;
  long long timestamp_us;
  long long latency_us;
  int value_type;
  int result;
  union {
    double d;
    unsigned u;
    unsigned long long ull;
  } value;
};
static_assert(sizeof(FieldValue) == 40);

struct Memory {  // nvmlMemory_t
  unsigned long long total, free, used;
};
struct Utilization {  // nvmlUtilization_t
  unsigned gpu_percent, memory_percent;
};
struct ProcessInfo {  // nvmlProcessInfo_t of version 3
  unsigned pid;
  unsigned long long used_bytes;
  unsigned gpu_instance, compute_instance;
};
static_assert(sizeof(ProcessInfo) == 24);
constexpr unsigned long long kUnknownBytes = ~0ull;  // NVML_VALUE_NOT_AVAILABLE
constexpr unsigned kMaxProcesses = 128;

struct ThrottleReason {
  uint64_t bit;
  const char* name;
};
constexpr ThrottleReason kThrottleReasons[] = {
    {0x2, "applications_clocks"}, {0x4, "sw_power_cap"},    {0x8, "hw_slowdown"},
    {0x10, "sync_boost"},         {0x20, "sw_thermal"},     {0x40, "hw_thermal"},
    {0x80, "hw_power_brake"},     {0x100, "display_clocks"}};

std::string text_of_uuid(const uint8_t* uuid) {
  std::string text = "GPU";
  for (int i = 0; i < 16; ++i) {
    if (i == 0 || i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += fmt::format("{:02x}", uuid[i]);
  }
  return text;
}

}  // namespace

struct Nvml::Functions {
  int (*nvmlInit)();
  int (*nvmlShutdown)();
  const char* (*nvmlErrorString)(int result);
  int (*nvmlDeviceGetHandleByUUID)(const char* uuid, void** device);
  int (*nvmlDeviceGetClockInfo)(void* device, int type, unsigned* mhz);
  int (*nvmlDeviceGetTemperature)(void* device, int sensor, unsigned* celsius);
  int (*nvmlDeviceGetPowerUsage)(void* device, unsigned* milliwatts);
  int (*nvmlDeviceGetEnforcedPowerLimit)(void* device, unsigned* milliwatts);
  int (*nvmlDeviceGetFieldValues)(void* device, int count, FieldValue* values);
  int (*nvmlDeviceGetCurrentClocksThrottleReasons)(void* device, unsigned long long* bits);
  // Nothing that is measured depends on these: nullptr where they are missing.
  int (*nvmlSystemGetDriverVersion)(char* version, unsigned capacity);
  int (*nvmlDeviceGetMaxClockInfo)(void* device, int type, unsigned* mhz);
  int (*nvmlDeviceGetMemoryInfo)(void* device, Memory* memory);
  int (*nvmlDeviceGetUtilizationRates)(void* device, Utilization* utilization);
  int (*nvmlDeviceGetPersistenceMode)(void* device, int* mode);
  int (*nvmlDeviceGetComputeRunningProcesses)(void* device, unsigned* count, ProcessInfo* infos);

  Functions() {
    void* const library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library == nullptr) throw Error("no libnvidia-ml.so.1 on this machine");
    const auto look_for = [library](const char* name, auto*& function) {
      using Function = std::remove_reference_t<decltype(function)>;
      function = reinterpret_cast<Function>(dlsym(library, name));
    };
    const auto find = [look_for](const char* name, auto*& function) {
      look_for(name, function);
      if (function == nullptr) throw Error(fmt::format("NVML here has no {}", name));
    };
    find("nvmlInit_v2", nvmlInit);
    find("nvmlShutdown", nvmlShutdown);
    find("nvmlErrorString", nvmlErrorString);
    find("nvmlDeviceGetHandleByUUID", nvmlDeviceGetHandleByUUID);
    find("nvmlDeviceGetClockInfo", nvmlDeviceGetClockInfo);
    find("nvmlDeviceGetTemperature", nvmlDeviceGetTemperature);
    find("nvmlDeviceGetPowerUsage", nvmlDeviceGetPowerUsage);
    find("nvmlDeviceGetEnforcedPowerLimit", nvmlDeviceGetEnforcedPowerLimit);
    find("nvmlDeviceGetFieldValues", nvmlDeviceGetFieldValues);
    find("nvmlDeviceGetCurrentClocksThrottleReasons", nvmlDeviceGetCurrentClocksThrottleReasons);
    look_for("nvmlSystemGetDriverVersion", nvmlSystemGetDriverVersion);
    look_for("nvmlDeviceGetMaxClockInfo", nvmlDeviceGetMaxClockInfo);
    look_for("nvmlDeviceGetMemoryInfo", nvmlDeviceGetMemoryInfo);
    look_for("nvmlDeviceGetUtilizationRates", nvmlDeviceGetUtilizationRates);
    look_for("nvmlDeviceGetPersistenceMode", nvmlDeviceGetPersistenceMode);
    look_for("nvmlDeviceGetComputeRunningProcesses_v3", nvmlDeviceGetComputeRunningProcesses);
  }

  void start() const {
    if (const int result = nvmlInit(); result != kSuccess) {
      throw Error(fmt::format("NVML does not start: {}", nvmlErrorString(result)));
    }
  }
};

Nvml::Nvml(const uint8_t* uuid) : functions_(std::make_unique<Functions>()) {
  functions_->start();
  const std::string text = text_of_uuid(uuid);
  const int result = functions_->nvmlDeviceGetHandleByUUID(text.c_str(), &device_);
  if (result == kSuccess) return;
  functions_->nvmlShutdown();
  throw Error(fmt::format("NVML does not know {}: {}", text, functions_->nvmlErrorString(result)));
}

Nvml::~Nvml() {
  functions_->nvmlShutdown();
}

GpuReading Nvml::read() const {
  GpuReading reading;
  functions_->nvmlDeviceGetClockInfo(device_, kClockSm, &reading.sm_clock_mhz);
  functions_->nvmlDeviceGetClockInfo(device_, kClockMemory, &reading.memory_clock_mhz);
  functions_->nvmlDeviceGetTemperature(device_, kTemperatureGpu, &reading.temperature_c);
  unsigned long long bits = 0;
  functions_->nvmlDeviceGetCurrentClocksThrottleReasons(device_, &bits);
  reading.throttle_bits = bits;
  // mean_power_w is too lazy for a burst.
  FieldValue instant{};
  instant.field_id = kFieldPowerInstant;
  const bool is_told = functions_->nvmlDeviceGetFieldValues(device_, 1, &instant) == kSuccess &&
                       instant.result == kSuccess;
  reading.power_w = is_told ? instant.value.u * 1e-3 : mean_power_w();
  return reading;
}

double Nvml::mean_power_w() const {
  unsigned milliwatts = 0;
  functions_->nvmlDeviceGetPowerUsage(device_, &milliwatts);
  return milliwatts * 1e-3;
}

std::optional<double> Nvml::power_limit_w() const {
  unsigned milliwatts = 0;
  const int result = functions_->nvmlDeviceGetEnforcedPowerLimit(device_, &milliwatts);
  if (result != kSuccess) return std::nullopt;
  return milliwatts * 1e-3;
}

unsigned Nvml::max_sm_clock_mhz() const {
  unsigned mhz = 0;
  if (functions_->nvmlDeviceGetMaxClockInfo == nullptr) return 0;
  functions_->nvmlDeviceGetMaxClockInfo(device_, kClockSm, &mhz);
  return mhz;
}

uint64_t Nvml::used_bytes() const {
  Memory memory{};
  if (functions_->nvmlDeviceGetMemoryInfo == nullptr) return 0;
  functions_->nvmlDeviceGetMemoryInfo(device_, &memory);
  return memory.used;
}

unsigned Nvml::busy_percent() const {
  Utilization utilization{};
  if (functions_->nvmlDeviceGetUtilizationRates == nullptr) return 0;
  functions_->nvmlDeviceGetUtilizationRates(device_, &utilization);
  return utilization.gpu_percent;
}

std::optional<bool> Nvml::is_persistent() const {
  int mode = 0;
  const bool is_told = functions_->nvmlDeviceGetPersistenceMode != nullptr &&
                       functions_->nvmlDeviceGetPersistenceMode(device_, &mode) == kSuccess;
  return is_told ? std::optional<bool>(mode != 0) : std::nullopt;
}

std::vector<GpuProcess> Nvml::processes() const {
  if (functions_->nvmlDeviceGetComputeRunningProcesses == nullptr) return {};
  std::vector<ProcessInfo> infos(kMaxProcesses);
  unsigned count = kMaxProcesses;
  const int result =
      functions_->nvmlDeviceGetComputeRunningProcesses(device_, &count, infos.data());
  if (result != kSuccess) return {};
  infos.resize(count);
  std::vector<GpuProcess> processes;
  for (const ProcessInfo& info : infos) {
    const uint64_t bytes = info.used_bytes == kUnknownBytes ? 0 : info.used_bytes;
    processes.push_back({info.pid, "", bytes});
  }
  return processes;
}

std::string nvml_driver_version() {
  const Nvml::Functions functions;
  functions.start();
  char version[96] = "";
  if (functions.nvmlSystemGetDriverVersion != nullptr) {
    functions.nvmlSystemGetDriverVersion(version, sizeof(version));
  }
  functions.nvmlShutdown();
  return version;
}

std::vector<std::string> throttle_reasons(uint64_t bits) {
  std::vector<std::string> names;
  for (const ThrottleReason& reason : kThrottleReasons) {
    if ((bits & reason.bit) != 0) names.emplace_back(reason.name);
  }
  return names;
}

void GpuWatch::start() {
  readings_.clear();
  thread_ = std::jthread([this](const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock<std::mutex> lock(mutex);
    while (!stop.stop_requested()) {
      readings_.push_back(nvml_.read());
      wake.wait_for(lock, stop, kReadingInterval, [] { return false; });
    }
  });
}

std::vector<GpuReading> GpuWatch::stop() {
  thread_ = std::jthread();  // asks it to stop, and waits
  readings_.push_back(nvml_.read());
  return std::move(readings_);
}

}  // namespace attnbench
