// How a run measures: the [measure] table of a sweep, the same for all of its trials.
#pragma once

#include <cstdint>

#include "base/enum_text.h"
#include "base/json.h"

namespace attnbench {

// grid: few samples, for thousands of trials. headline: many, for the numbers that get quoted.
enum class Effort { grid, normal, headline };
enum class Cache { cold, warm };
// adaptive: our stopping rule. The others reproduce triton.testing for comparison with old numbers.
enum class Protocol { adaptive, do_bench, do_bench_cudagraph };

inline constexpr EnumText<Effort> kEfforts[] = {
    {Effort::grid, "grid"}, {Effort::normal, "normal"}, {Effort::headline, "headline"}};
inline constexpr EnumText<Cache> kCaches[] = {{Cache::cold, "cold"}, {Cache::warm, "warm"}};
inline constexpr EnumText<Protocol> kProtocols[] = {
    {Protocol::adaptive, "adaptive"},
    {Protocol::do_bench, "do_bench"},
    {Protocol::do_bench_cudagraph, "do_bench_cudagraph"}};

struct MeasureSettings {
  Effort effort = Effort::normal;
  Cache cache = Cache::cold;
  Protocol protocol = Protocol::adaptive;
  uint64_t seed = 1;     // of the inputs; the rows that are checked come from a secret of the run
  int verify_rows = 64;  // rows per tensor compared with the fp64 reference before timing
  bool operator==(const MeasureSettings&) const = default;
};

Json to_json(const MeasureSettings& settings);
MeasureSettings measure_settings_from_json(const Json& json);

}  // namespace attnbench
