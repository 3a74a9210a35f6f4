// The instrument itself: does it read a known duration, is cold cold, is the GPU's state told?
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <thread>

#include "gpu/gpu.h"
#include "model/statistics.h"

namespace attnbench {
namespace {

constexpr int kSamples = 21;

// Median over samples that are taken as a burst takes them.
template <typename Enqueue>
double median_ms(Gpu& gpu, bool is_cold, const Enqueue& enqueue) {
  for (int warmup = 0; warmup < 3; ++warmup) enqueue();
  gpu.device.begin_state();
  for (size_t sample = 0; sample < kSamples; ++sample) {
    if (is_cold) gpu.device.evict_cache({});
    gpu.device.start_timer(sample);
    enqueue();
    gpu.device.stop_timer(sample);
  }
  gpu.device.synchronize();
  std::vector<double> samples_ms;
  for (size_t sample = 0; sample < kSamples; ++sample) {
    samples_ms.push_back(gpu.device.elapsed_ms(sample));
  }
  gpu.device.end_state();
  return median(samples_ms);
}

TEST_CASE("a kernel that spins for a known time is measured with slope 1", "[gpu]") {
  NEEDS_GPU();
  Gpu gpu;
  const CuFunction spin = gpu.kernel("spin_for");
  for (const bool is_cold : {true, false}) {
    double count = 0, sum_x = 0, sum_y = 0, sum_xx = 0, sum_xy = 0;
    for (const double wanted_us : {20.0, 50.0, 100.0, 200.0, 500.0, 1000.0}) {
      const double got_us =
          1e3 * median_ms(gpu, is_cold, [&] {
            gpu.launch(spin, {1, 1, 1, 1}, static_cast<uint64_t>(wanted_us * 1e3));
          });
      fmt::print("spin {:6.1f} us: {:8.2f} us ({})\n", wanted_us, got_us,
                 is_cold ? "cold" : "warm");
      count += 1;
      sum_x += wanted_us;
      sum_y += got_us;
      sum_xx += wanted_us * wanted_us;
      sum_xy += wanted_us * got_us;
    }
    const double slope = (count * sum_xy - sum_x * sum_y) / (count * sum_xx - sum_x * sum_x);
    const double intercept_us = (sum_y - slope * sum_x) / count;
    fmt::print("slope {:.5f}, intercept {:.2f} us\n", slope, intercept_us);
    CHECK(std::abs(slope - 1.0) < 0.005);
    CHECK(intercept_us > 0.0);
    CHECK(intercept_us < 5.0);  // an event and a launch, nothing of the host
  }
}

TEST_CASE("a cold read never beats the memory, a warm one shows the cache", "[gpu]") {
  NEEDS_GPU();
  Gpu gpu;
  const DeviceFacts facts = gpu.device.facts();
  const Buffer buffer = gpu.device.allocate(4 * facts.cache_bytes, 256);
  gpu.device.poison(buffer);
  const CuFunction read = gpu.kernel("read_all");
  const Buffer sink = gpu.device.allocate(4, 256);
  double cold_small_ms = 0, warm_small_ms = 0, cold_large_ms = 0, warm_large_ms = 0;
  for (const double share : {0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0}) {
    const int64_t count = static_cast<int64_t>(share * static_cast<double>(facts.cache_bytes)) / 16;
    const auto enqueue = [&] {
      gpu.launch(read, {1056, 1, 512, 1}, buffer.data(), count, sink.data());
    };
    const double cold_ms = median_ms(gpu, true, enqueue);
    const double warm_ms = median_ms(gpu, false, enqueue);
    const double gigabytes = static_cast<double>(count) * 16e-9;
    const double cold_gbps = gigabytes / (cold_ms * 1e-3);
    fmt::print("{:4.2f} x L2: cold {:7.2f} us {:6.0f} GB/s, warm {:7.2f} us {:6.0f} GB/s\n", share,
               cold_ms * 1e3, cold_gbps, warm_ms * 1e3, gigabytes / (warm_ms * 1e-3));
    if (facts.peak_gbps) CHECK(cold_gbps <= *facts.peak_gbps);
    if (share == 0.3) cold_small_ms = cold_ms, warm_small_ms = warm_ms;
    if (share == 4.0) cold_large_ms = cold_ms, warm_large_ms = warm_ms;
  }
  CHECK(cold_small_ms > 1.2 * warm_small_ms);
  CHECK(cold_large_ms < 1.15 * warm_large_ms);
}

TEST_CASE("a launch that the GPU had to wait for is counted", "[gpu]") {
  NEEDS_GPU();
  Gpu gpu;
  const CuFunction spin = gpu.kernel("spin_for");
  const auto late_launches = [&](std::chrono::milliseconds host_work) {
    gpu.device.begin_state();
    gpu.device.start_timer(0);
    std::this_thread::sleep_for(host_work);
    gpu.launch(spin, {1, 1, 1, 1}, uint64_t{100'000});
    gpu.device.stop_timer(0);
    gpu.device.synchronize();
    return Json::parse(gpu.device.end_state()).at("late_launches").get<int>();
  };
  late_launches(std::chrono::milliseconds(0));  // the first launch of a kernel loads it
  CHECK(late_launches(std::chrono::milliseconds(5)) == 1);
  CHECK(late_launches(std::chrono::milliseconds(0)) == 0);
}

TEST_CASE("more timers than were made at first keep their times apart", "[gpu]") {
  NEEDS_GPU();
  Gpu gpu;
  const CuFunction spin = gpu.kernel("spin_for");
  gpu.launch(spin, {1, 1, 1, 1}, uint64_t{1000});
  for (size_t timer = 0; timer < 200; ++timer) {
    gpu.device.start_timer(timer);
    gpu.launch(spin, {1, 1, 1, 1}, uint64_t{20'000} + 20'000 * (timer % 2));
    gpu.device.stop_timer(timer);
  }
  gpu.device.synchronize();
  int wrong = 0;
  for (size_t timer = 0; timer < 200; ++timer) {
    const double expected_ms = timer % 2 == 0 ? 0.020 : 0.040;
    wrong += std::abs(gpu.device.elapsed_ms(timer) - expected_ms) > 0.008;
  }
  CHECK(wrong <= 10);  // a stray slow one is no fault of the timers
}

TEST_CASE("recorded work is replayed as a whole", "[gpu]") {
  NEEDS_GPU();
  Gpu gpu;
  const CuFunction spin = gpu.kernel("spin_for");
  gpu.device.record([&] {
    for (int call = 0; call < 10; ++call) gpu.launch(spin, {1, 1, 1, 1}, uint64_t{50'000});
  });
  gpu.device.replay();
  gpu.device.start_timer(0);
  gpu.device.replay();
  gpu.device.stop_timer(0);
  gpu.device.synchronize();
  CHECK(gpu.device.elapsed_ms(0) == Approx(0.5).epsilon(0.1));
  gpu.device.forget_recording();
}

TEST_CASE("work that waits cannot be recorded, and spoils nothing", "[gpu]") {
  NEEDS_GPU();
  Gpu gpu;
  const CuFunction spin = gpu.kernel("spin_for");
  CHECK_THROWS_AS(gpu.device.record([&] {
    gpu.launch(spin, {1, 1, 1, 1}, uint64_t{1000});
    gpu.device.synchronize();
  }),
                  DeviceError);
  CHECK(gpu.device.is_healthy());
  gpu.launch(spin, {1, 1, 1, 1}, uint64_t{1000});
  gpu.device.synchronize();
}

TEST_CASE("the state of a burst tells clocks, power, temperature and the flush", "[gpu]") {
  NEEDS_GPU();
  Gpu gpu;
  gpu.device.heat_up();
  const CuFunction spin = gpu.kernel("spin_for");
  gpu.device.begin_state();
  for (int i = 0; i < 50; ++i) gpu.launch(spin, {1, 1, 1, 1}, uint64_t{1'000'000});
  gpu.device.synchronize();
  const Json state = Json::parse(gpu.device.end_state());
  fmt::print("{}\n", state.dump());
  CHECK(state.at("sm_clock_mhz").get<double>() > 200);
  CHECK(state.at("memory_clock_mhz").get<double>() > 200);
  CHECK(state.at("power_w").get<double>() > 20);
  CHECK(state.at("temperature_c").get<int>() > 10);
  CHECK(state.at("readings").get<int>() >= 3);
  CHECK(state.at("regime") == "steady");
  CHECK(state.at("heated_ms").get<double>() > 100);
  CHECK(state.at("late_launches") == 0);
}

TEST_CASE("a GPU is heated once, and tells who has paused", "[gpu]") {
  NEEDS_GPU();
  Gpu gpu;
  const auto state = [&] {
    gpu.device.begin_state();
    const Json told = Json::parse(gpu.device.end_state());
    fmt::print("heated {} ms, {} MHz, {} W\n", told.at("heated_ms").dump(),
               told.at("sm_clock_mhz").dump(), told.at("power_w").dump());
    return told;
  };
  CHECK(gpu.device.heat_up());
  const Json heated = state();
  CHECK(heated.at("heated_ms").get<double>() > 250);
  CHECK(heated.at("regime") == "steady");
  CHECK_FALSE(gpu.device.heat_up());
  CHECK(state().at("heated_ms") == 0);
  std::this_thread::sleep_for(std::chrono::seconds(2));
  CHECK_FALSE(gpu.device.heat_up());
  const Json rested = state();
  CHECK(rested.at("busy_before_ms").get<double>() < 100);
  CHECK(rested.at("regime") == "boost");
}

}  // namespace
}  // namespace attnbench
