// CudaDevice's stopwatches, cold caches, heat and state: all that a burst is made of.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "device/cuda_device.h"
#include "model/statistics.h"

namespace attnbench {
namespace {

// Value of cuda.h: CU_LIMIT_PERSISTING_L2_CACHE_SIZE.
constexpr int kLimitPersistingL2 = 6;

// The head start that the queue gets where the GPU has caught up with it: enough to launch a flush
// and two events, and the provider's launches as they were seen so far, twice.
constexpr double kHeadStartUs = 50.0;

// Heating: this long at most; the power has settled when two windows in a row agree. A GPU that is
// left alone for a moment stays warm; after that, one look at its power tells.
constexpr double kMaxHeatMs = 3000.0;
constexpr double kHeatWindowMs = 250.0;
constexpr double kSettledWithin = 0.02;
constexpr double kStaysWarmMs = 500.0;
constexpr double kWarmShareOfPower = 0.9;
constexpr int kHeatRounds = 70'000;  // about 10 ms on an H100

double milliseconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

double mean_power_w(const std::vector<GpuReading>& readings) {
  double sum_w = 0.0;
  for (const GpuReading& reading : readings) sum_w += reading.power_w;
  return sum_w / static_cast<double>(readings.size());
}

Json state_of(const std::vector<GpuReading>& readings) {
  std::vector<double> sm_clocks_mhz, memory_clocks_mhz;
  unsigned temperature_c = 0;
  uint64_t throttle_bits = 0;
  for (const GpuReading& reading : readings) {
    sm_clocks_mhz.push_back(reading.sm_clock_mhz);
    memory_clocks_mhz.push_back(reading.memory_clock_mhz);
    temperature_c = std::max(temperature_c, reading.temperature_c);
    throttle_bits |= reading.throttle_bits;
  }
  Json state;
  state["sm_clock_mhz"] = median(sm_clocks_mhz);
  state["sm_clock_min_mhz"] = *std::min_element(sm_clocks_mhz.begin(), sm_clocks_mhz.end());
  state["memory_clock_mhz"] = median(memory_clocks_mhz);
  state["power_w"] = mean_power_w(readings);
  state["temperature_c"] = temperature_c;
  state["throttle_reasons"] = throttle_reasons(throttle_bits);
  state["readings"] = readings.size();
  return state;
}

}  // namespace

void CudaDevice::add_timers(size_t count) {
  const CudaDriver& driver = context_.driver();
  for (; count > 0; --count) {
    Timer& timer = timers_.emplace_back();
    driver.check(driver.cuEventCreate(&timer.start, 0), "making an event");
    driver.check(driver.cuEventCreate(&timer.stop, 0), "making an event");
  }
}

void CudaDevice::keep_ahead() {
  if (context_.driver().cuStreamQuery(context_.stream()) != kCudaSuccess) return;
  const std::vector<double>& seen_us = launches_.host_us;
  const double slowest_us =
      seen_us.empty() ? 0.0 : *std::max_element(seen_us.begin(), seen_us.end());
  const double hold_us = kHeadStartUs + 2.0 * std::min(slowest_us, 1000.0);
  context_.launch(kernels_.spin, {1, 1, 1, 1}, static_cast<uint64_t>(hold_us * 1e3));
}

void CudaDevice::evict_cache(std::span<const Buffer* const>) {
  keep_ahead();
  const int64_t count = static_cast<int64_t>(flush_bytes_ / 16);
  context_.launch(kernels_.flush_cache, context_.grid_for(count), flush_.address(), count,
                  ++flushes_);
}

void CudaDevice::start_timer(size_t timer) {
  if (timer >= timers_.size()) add_timers(timer + 1);
  keep_ahead();
  Timer& starting = timers_[timer];
  const CudaDriver& driver = context_.driver();
  driver.check(driver.cuEventRecord(starting.start, context_.stream()), "recording an event");
  starting.started = std::chrono::steady_clock::now();
}

void CudaDevice::stop_timer(size_t timer) {
  Timer& stopping = timers_.at(timer);
  launches_.host_us.push_back(milliseconds_since(stopping.started) * 1e3);
  const CudaDriver& driver = context_.driver();
  driver.check(driver.cuEventRecord(stopping.stop, context_.stream()), "recording an event");
  // The GPU was past the start before the last launch was queued: it may have waited for us.
  if (driver.cuEventQuery(stopping.start) == kCudaSuccess) ++launches_.late;
}

double CudaDevice::elapsed_ms(size_t timer) {
  const Timer& done = timers_.at(timer);
  const CudaDriver& driver = context_.driver();
  float milliseconds = 0.0f;
  driver.check(driver.cuEventElapsedTime(&milliseconds, done.start, done.stop),
               "reading the time between two events");
  return milliseconds;
}

// Bursts of other providers on the same GPU keep it warm, too: that is why its power is asked, and
// not only our own clock.
void CudaDevice::heat_up() {
  if (!nvml_ || milliseconds_since(last_busy_) < kStaysWarmMs) return;
  const SteadyTime start = std::chrono::steady_clock::now();
  double window_power_w = 0.0;
  bool has_settled =
      nvml_->read().power_w > kWarmShareOfPower * settled_power_w_ && settled_power_w_ > 0;
  while (!has_settled && milliseconds_since(start) < kMaxHeatMs) {
    std::vector<GpuReading> window;
    const SteadyTime window_start = std::chrono::steady_clock::now();
    while (milliseconds_since(window_start) < kHeatWindowMs) {
      context_.launch(kernels_.heat, {static_cast<unsigned>(2 * context_.processors())},
                      kHeatRounds, flush_.address());
      context_.synchronize("heating the GPU");
      window.push_back(nvml_->read());
    }
    const double before_w = std::exchange(window_power_w, mean_power_w(window));
    has_settled = std::abs(window_power_w - before_w) <= kSettledWithin * window_power_w ||
                  (settled_power_w_ > 0 && window_power_w > kWarmShareOfPower * settled_power_w_);
  }
  if (window_power_w > 0) settled_power_w_ = window_power_w;
  heated_ms_ += milliseconds_since(start);
  last_busy_ = std::chrono::steady_clock::now();
}

void CudaDevice::begin_state() {
  const CudaDriver& driver = context_.driver();
  // Lines that somebody asked to persist would survive the flush.
  driver.check(driver.cuCtxSetLimit(kLimitPersistingL2, 0), "giving persisting L2 lines back");
  driver.check(driver.cuCtxResetPersistingL2Cache(), "giving persisting L2 lines back");
  launches_ = {};
  if (watch_) watch_->start();
}

std::string CudaDevice::end_state() {
  Json state = Json::object();
  if (watch_) {
    state = state_of(watch_->stop());
    if (const std::optional<double> limit_w = nvml_->power_limit_w()) {
      state["power_limit_w"] = *limit_w;
    }
  } else {
    state["nvml"] = nvml_trouble_;
  }
  state["regime"] = settled_power_w_ > 0 ? "steady" : "unknown";
  state["heated_ms"] = std::exchange(heated_ms_, 0.0);
  if (!launches_.host_us.empty()) state["launch_us"] = median(launches_.host_us);
  state["late_launches"] = launches_.late;
  state["cache_flush"] = fmt::format("write {} bytes", flush_bytes_);
  last_busy_ = std::chrono::steady_clock::now();
  return dump_json(state);
}

}  // namespace attnbench
