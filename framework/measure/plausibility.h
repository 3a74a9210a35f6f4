// Can it be true? No kernel computes faster than the device's peak or moves bytes faster than its
// memory. A time below that floor means that something else was measured: the wrong stream, a
// launch without its kernel, a cached answer. Such a number is never a result.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/problem.h"
#include "model/settings.h"

namespace attnbench {

// What is known of the device; what is not known gives no floor.
struct DeviceLimits {
  std::optional<double> peak_tflops;  // dense, of the problem's dtype on its fastest path
  std::optional<double> peak_gbps;    // of device memory
  std::optional<uint64_t> l2_bytes;   // last-level cache
};

struct Floor {
  double ms = 0.0;
  std::string reason;  // "1.10 TFLOP at 989 TFLOP/s"
};

// The larger of FLOPs / peak and bytes / bandwidth. Bytes count only where they exceed twice the
// cache, since what is in the cache need not be moved.
std::optional<Floor> floor_of(const Problem& problem, const DeviceLimits& limits);

enum class Plausibility { plausible, implausible, not_known };

struct PlausibilityResult {
  Plausibility plausibility = Plausibility::not_known;
  std::optional<double> floor_ms;
  std::string message;  // names both numbers; empty unless implausible
};

// `cold_median_ms` below 95 % of the floor is implausible; 5 % are left for clocks above the data
// sheet.
PlausibilityResult check_plausibility(double cold_median_ms, const Problem& problem,
                                      const DeviceLimits& limits);

// Why a time is too short to be taken at its word, or nothing. Between two events on a GPU there
// are also the events themselves and a kernel's launch; a replayed graph has them once for many
// calls, a sample on a CPU lasts a millisecond.
std::string doubt_about_short(double median_ms, std::string_view device, Protocol protocol);

}  // namespace attnbench
