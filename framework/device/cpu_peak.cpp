// Each thread runs short slices of independent multiply-adds that live in registers, and keeps its
// best slice: a slice that was interrupted by another process says nothing about the peak.
#include "device/cpu_peak.h"

#include <array>
#include <chrono>
#include <numeric>
#include <thread>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "device/cpu_peak.cpp"
#include <hwy/foreach_target.h>
// Highway wants its own headers behind foreach_target.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace attnbench {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Multiply-adds in `rounds` rounds, counted as two operations each. Twelve chains cover latency 4
// times two ports with room to spare, and still fit the sixteen registers of AVX2. Each begins with
// a value of its own: chains that begin alike are one chain to the compiler, which then computes a
// twelfth of the work (and, at latency 4, reports one and a half times the peak).
double run_multiply_adds(int rounds, float* starts) {
  const hn::ScalableTag<float> d;
  using V = hn::Vec<decltype(d)>;
  V a0 = hn::Set(d, starts[0]), a1 = hn::Set(d, starts[1]), a2 = hn::Set(d, starts[2]);
  V a3 = hn::Set(d, starts[3]), a4 = hn::Set(d, starts[4]), a5 = hn::Set(d, starts[5]);
  V a6 = hn::Set(d, starts[6]), a7 = hn::Set(d, starts[7]), a8 = hn::Set(d, starts[8]);
  V a9 = hn::Set(d, starts[9]), a10 = hn::Set(d, starts[10]), a11 = hn::Set(d, starts[11]);
  const V factor = hn::Set(d, 0.999f);
  const V term = hn::Set(d, 1e-3f);
  for (int i = 0; i < rounds; ++i) {
    a0 = hn::MulAdd(a0, factor, term);
    a1 = hn::MulAdd(a1, factor, term);
    a2 = hn::MulAdd(a2, factor, term);
    a3 = hn::MulAdd(a3, factor, term);
    a4 = hn::MulAdd(a4, factor, term);
    a5 = hn::MulAdd(a5, factor, term);
    a6 = hn::MulAdd(a6, factor, term);
    a7 = hn::MulAdd(a7, factor, term);
    a8 = hn::MulAdd(a8, factor, term);
    a9 = hn::MulAdd(a9, factor, term);
    a10 = hn::MulAdd(a10, factor, term);
    a11 = hn::MulAdd(a11, factor, term);
  }
  const V low = hn::Add(hn::Add(hn::Add(a0, a1), hn::Add(a2, a3)), hn::Add(a4, a5));
  const V high = hn::Add(hn::Add(hn::Add(a6, a7), hn::Add(a8, a9)), hn::Add(a10, a11));
  starts[0] += hn::GetLane(hn::Add(low, high)) * 1e-6f;
  return 2.0 * 12.0 * static_cast<double>(hn::Lanes(d)) * rounds;
}

}  // namespace HWY_NAMESPACE
}  // namespace attnbench
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace attnbench {
namespace {

HWY_EXPORT(run_multiply_adds);

constexpr int kChains = 12;
constexpr double kMeasuredSeconds = 0.02;
constexpr int kRoundsPerSlice = 20000;  // 30 to 120 us: far above the clock's tick

double best_flops_per_second() {
  using SteadyTime = std::chrono::steady_clock::time_point;
  std::array<float, kChains> starts;
  std::iota(starts.begin(), starts.end(), 1.0f);
  double best = 0.0;
  double spent_seconds = 0.0;
  while (spent_seconds < kMeasuredSeconds) {
    const SteadyTime before = std::chrono::steady_clock::now();
    const double flops = HWY_DYNAMIC_DISPATCH(run_multiply_adds)(kRoundsPerSlice, starts.data());
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count();
    best = std::max(best, flops / seconds);
    spent_seconds += seconds;
  }
  return best;
}

}  // namespace

double measure_peak_tflops_fp32(int threads) {
  std::vector<double> rates(static_cast<size_t>(threads), 0.0);
  {
    std::vector<std::jthread> workers;
    for (double& rate : rates) workers.emplace_back([&rate] { rate = best_flops_per_second(); });
  }
  return std::accumulate(rates.begin(), rates.end(), 0.0) * 1e-12;
}

}  // namespace attnbench
#endif
