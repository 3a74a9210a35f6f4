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

// Values of cuda.h: CU_LIMIT_PERSISTING_L2_CACHE_SIZE, CU_STREAM_CAPTURE_MODE_GLOBAL.
constexpr int kLimitPersistingL2 = 6;
constexpr int kCaptureGlobal = 0;  // any call that cannot be captured is an error

// The head start that the queue gets where the GPU has caught up with it: enough to launch a flush
// and two events, and the provider's launches as they were seen so far, twice.
constexpr double kHeadStartUs = 50.0;

// Heating: this long at most; the power has settled when two windows in a row agree.
constexpr double kMaxHeatMs = 3000.0;
constexpr double kHeatWindowMs = 250.0;
constexpr double kSettledWithin = 0.02;
// A card that has paused for 10 ms or more clocks higher for the next 20 to 100, then too low for a
// while (seen on an H100). Steady is who has worked that long, or draws what the card settles at.
// On an H200 medians behind 100 ms agree with those behind 250 within 0.03 % (88 kernels that draw
// less than the card may) and 0.2 % (232 that draw it all).
constexpr double kPauseMs = 10.0, kSteadyAfterMs = 100.0;
constexpr double kSteadyShareOfPower = 0.85;
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

void CudaDevice::record(const std::function<void()>& queue_work) {
  forget_recording();
  const CudaDriver& driver = context_.driver();
  CuGraph graph = nullptr;
  driver.check(driver.cuStreamBeginCapture(context_.stream(), kCaptureGlobal), "recording a graph");
  try {
    queue_work();
  } catch (...) {
    if (driver.cuStreamEndCapture(context_.stream(), &graph) == kCudaSuccess) {
      driver.cuGraphDestroy(graph);
    }
    throw;
  }
  driver.check(driver.cuStreamEndCapture(context_.stream(), &graph), "recording a graph");
  const CuResult result = driver.cuGraphInstantiateWithFlags(&recording_, graph, 0);
  driver.cuGraphDestroy(graph);
  driver.check(result, "making a recorded graph ready");
}

void CudaDevice::replay() {
  context_.driver().check(context_.driver().cuGraphLaunch(recording_, context_.stream()),
                          "replaying a graph");
}

void CudaDevice::forget_recording() {
  if (recording_ != nullptr) context_.driver().cuGraphExecDestroy(recording_);
  recording_ = nullptr;
}

// Once: what settles clocks is the kernel that is to be measured. This one draws more than the card
// may, so that after it an H100 was seen at 1130 to 1350 MHz for half a second and more, where the
// provider's own kernel settles at 1500 to 1750.
bool CudaDevice::heat_up() {
  const SteadyTime start = std::chrono::steady_clock::now();
  if (milliseconds_since(last_busy_) > kPauseMs) busy_since_ = start;
  if (!nvml_ || settled_power_w_ > 0) return false;
  bool is_settled = false;
  double power_w = 0.0;
  while (!is_settled && milliseconds_since(start) < kMaxHeatMs) {
    const double before_w = std::exchange(power_w, power_of_heating_w());
    is_settled = std::abs(power_w - before_w) <= kSettledWithin * power_w;
    settled_power_w_ = std::max(settled_power_w_, power_w);
    heated_ms_ = milliseconds_since(start);
  }
  last_busy_ = std::chrono::steady_clock::now();
  return true;
}

double CudaDevice::power_of_heating_w() {
  std::vector<GpuReading> readings;
  const SteadyTime start = std::chrono::steady_clock::now();
  while (milliseconds_since(start) < kHeatWindowMs) {
    context_.launch(kernels_.heat, {static_cast<unsigned>(2 * context_.processors())}, kHeatRounds,
                    flush_.address());
    context_.synchronize("heating the GPU");
    readings.push_back(nvml_->read());
  }
  return mean_power_w(readings);
}

void CudaDevice::begin_state() {
  const CudaDriver& driver = context_.driver();
  // Lines that somebody asked to persist would survive the flush.
  driver.check(driver.cuCtxSetLimit(kLimitPersistingL2, 0), "giving persisting L2 lines back");
  driver.check(driver.cuCtxResetPersistingL2Cache(), "giving persisting L2 lines back");
  launches_ = {};
  busy_before_ms_ = milliseconds_since(busy_since_);
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
  state["busy_before_ms"] = busy_before_ms_;
  const bool is_at_power =
      settled_power_w_ > 0 && state.value("power_w", 0.0) >= kSteadyShareOfPower * settled_power_w_;
  state["regime"] = is_at_power || busy_before_ms_ >= kSteadyAfterMs ? "steady" : "boost";
  state["heated_ms"] = std::exchange(heated_ms_, 0.0);
  if (!launches_.host_us.empty()) state["launch_us"] = median(launches_.host_us);
  state["late_launches"] = launches_.late;
  state["cache_flush"] = fmt::format("write {} bytes", flush_bytes_);
  last_busy_ = std::chrono::steady_clock::now();
  return dump_json(state);
}

}  // namespace attnbench
