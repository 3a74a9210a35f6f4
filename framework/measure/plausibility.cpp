#include "measure/plausibility.h"

#include <fmt/format.h>

#include "model/work.h"

namespace attnbench {
namespace {

constexpr double kTolerated = 0.95;  // of the floor
constexpr double kCacheFactor = 2.0;

std::optional<Floor> compute_floor(const Problem& problem, const DeviceLimits& limits) {
  if (!limits.peak_tflops || *limits.peak_tflops <= 0) return std::nullopt;
  const double tflop = flops(problem) * 1e-12;
  return Floor{tflop / *limits.peak_tflops * 1e3,
               fmt::format("{:.3g} TFLOP at {:.4g} TFLOP/s", tflop, *limits.peak_tflops)};
}

std::optional<Floor> memory_floor(const Problem& problem, const DeviceLimits& limits) {
  if (!limits.peak_gbps || *limits.peak_gbps <= 0 || !limits.l2_bytes) return std::nullopt;
  const double bytes = least_bytes(problem);
  if (bytes <= kCacheFactor * static_cast<double>(*limits.l2_bytes)) return std::nullopt;
  return Floor{bytes * 1e-9 / *limits.peak_gbps * 1e3,
               fmt::format("{:.3g} GB at {:.4g} GB/s", bytes * 1e-9, *limits.peak_gbps)};
}

}  // namespace

std::optional<Floor> floor_of(const Problem& problem, const DeviceLimits& limits) {
  const std::optional<Floor> compute = compute_floor(problem, limits);
  const std::optional<Floor> memory = memory_floor(problem, limits);
  if (!compute) return memory;
  if (!memory) return compute;
  return compute->ms >= memory->ms ? compute : memory;
}

PlausibilityResult check_plausibility(double cold_median_ms, const Problem& problem,
                                      const DeviceLimits& limits) {
  const std::optional<Floor> floor = floor_of(problem, limits);
  if (!floor) return {};
  PlausibilityResult result;
  result.floor_ms = floor->ms;
  // Written so that a median that is no number is not plausible.
  const bool is_plausible = cold_median_ms >= kTolerated * floor->ms;
  result.plausibility = is_plausible ? Plausibility::plausible : Plausibility::implausible;
  if (!is_plausible) {
    result.message = fmt::format("median {:.4g} ms, but {} take at least {:.4g} ms", cold_median_ms,
                                 floor->reason, floor->ms);
  }
  return result;
}

std::string doubt_about_short(double median_ms, std::string_view device, Protocol protocol) {
  constexpr double kShortMs = 0.02;  // 3.5 us of events and launch (an H100) are a sixth of it
  const bool is_overhead_spread = protocol == Protocol::do_bench_cudagraph || device == "cpu";
  if (is_overhead_spread || !(median_ms < kShortMs)) return "";
  return "short: below 20 us, of which events and launch are a few; protocol "
         "\"do_bench_cudagraph\" spreads them over many calls";
}

}  // namespace attnbench
