// Any bytes as a sweep: it is either refused with a SweepError of one line, or it can be planned,
// written as TOML and read back as the same sweep.
#include <algorithm>

#include "fuzz/fuzz.h"
#include "sweep/fakes.h"

namespace attnbench {
namespace {

// Beyond it a plan is only slow, and no longer new.
constexpr double kMostPoints = 2000;

bool is_small(const Sweep& sweep) {
  double points = static_cast<double>(sweep.lines.size());
  for (const Axis& axis : sweep.axes) points *= static_cast<double>(axis.rows.size());
  return points <= kMostPoints;
}

void require_round_trip(const Sweep& sweep) {
  const std::string text = to_toml(sweep);
  try {
    require(to_toml(parse_sweep(text, sweep.file)) == text, "a sweep survives its own TOML", text);
  } catch (const SweepError& error) {
    require(false, "what to_toml writes can be read", error.line() + "\n" + text);
  }
}

void plan(const Sweep& sweep) {
  const Plan plan = expand(sweep, fake_providers(), {"cpu"});
  int64_t trials = 0;
  plan.for_each_trial([&trials](const Trial& trial, int64_t) {
    ++trials;
    return !trial_id(trial).empty();
  });
  require(trials == plan.counts().trials, "counts() is what for_each_trial visits", sweep.file);
  int64_t plots = 0;
  plan.for_each_plot([&plots](const Plot& plot) {
    ++plots;
    return !plot.name.empty();
  });
  require(plots == plan.counts().plots, "counts() is what for_each_plot visits", sweep.file);
}

}  // namespace
}  // namespace attnbench

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace attnbench;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const Sweep sweep = parse_sweep(text, "fuzz.toml");
    require_round_trip(sweep);
    if (is_small(sweep)) plan(sweep);
  } catch (const SweepError& error) {
    const std::string line = error.line();
    require(std::none_of(line.begin(), line.end(), [](char c) { return c == '\n' || c == '\r'; }),
            "a mistake is told in one line", line);
  }
  return 0;
}
