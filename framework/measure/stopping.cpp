#include "measure/stopping.h"

#include <algorithm>
#include <cmath>

#include "model/statistics.h"

namespace attnbench {
namespace {

// A burst is at least so many samples, or as many as last StoppingRule::burst_ms where that is
// fewer.
constexpr int kBurstSamples = 8;

// cuEventElapsedTime resolves about half a microsecond, says the driver API's manual.
constexpr double kEventTickMs = 0.0005;

// Judged by the first samples only, so that it is the same at every later look.
double typical_call_ms(const StoppingRule& rule, const std::vector<double>& samples_ms,
                       double estimate_ms) {
  if (samples_ms.empty()) return estimate_ms;
  const size_t count = std::min<size_t>(samples_ms.size(), rule.slow_min_samples);
  return median(std::vector<double>(samples_ms.begin(), samples_ms.begin() + count));
}

bool is_narrow_enough(const StoppingRule& rule, const std::vector<double>& samples_ms, int count) {
  const Summary summary =
      summarise(std::vector<double>(samples_ms.begin(), samples_ms.begin() + count));
  const double half_width_ms = summary.half_width() * summary.median;
  return half_width_ms <=
         std::max(rule.max_rel_half_width * summary.median, rule.clock_tick_ms / 2);
}

int burst_size(double burst_ms, int missing, int share, double call_ms) {
  int samples = kBurstSamples;
  if (call_ms * kBurstSamples > burst_ms) {
    samples = std::max(1, static_cast<int>(std::ceil(burst_ms / call_ms)));
  }
  const int minimum = samples;
  samples = std::max(samples, share);
  // A remainder too small for a burst of its own joins this one.
  return missing - samples < minimum ? missing : samples;
}

Decision stop(StopReason reason) {
  return {true, reason, 0};
}

}  // namespace

StoppingRule stopping_rule(Effort effort, std::string_view device) {
  StoppingRule rule;
  if (device == "cpu") {
    rule.min_sample_ms = 1.0;
  } else {
    rule.clock_tick_ms = kEventTickMs;
    rule.first_warmup_ms = 250;
    rule.warmup_ms = 50;
  }
  if (effort == Effort::headline) {
    rule.time_budget_s = 3.0;
    // `compare` counts rounds, not samples; 16 and more tell 2 % from nothing.
    rule.min_samples = 128;
    rule.bursts_between_looks = 16;
    rule.max_samples = 5120;
  }
  if (effort == Effort::grid) {
    // One look: the interval is recorded, but nothing waits for it to narrow.
    rule.min_samples = 10;
    rule.max_samples = 10;
    rule.slow_call_ms = 20;
    rule.ends_together = false;
    rule.first_warmup_ms = rule.warmup_ms = device == "cpu" ? 10 : 100;
    // On a GPU each burst is warmed up for longer than most calls take, so there is but one, if it
    // does not last a second: otherwise thousands of trials would be nothing but warm-up.
    if (device != "cpu") rule.burst_ms = 1000;
  }
  return rule;
}

Decision decide(const StoppingRule& rule, const std::vector<double>& samples_ms, double spent_s,
                double estimate_ms) {
  const int count = static_cast<int>(samples_ms.size());
  const double call_ms = typical_call_ms(rule, samples_ms, estimate_ms);
  const bool is_slow = call_ms > rule.slow_call_ms;
  const int first_look = is_slow ? rule.slow_min_samples : rule.min_samples;
  const bool has_one_look = rule.max_samples <= rule.min_samples;
  const int final_look = has_one_look ? first_look : rule.max_samples;

  int last_look = 0;
  int next_look = first_look;
  for (; next_look <= count; next_look = std::min(next_look * 2, final_look)) {
    last_look = next_look;
    if (!has_one_look && is_narrow_enough(rule, samples_ms, last_look)) {
      return stop(StopReason::converged);
    }
    if (last_look >= final_look) return stop(StopReason::max_samples);
  }
  if (count >= first_look && spent_s >= rule.time_budget_s) return stop(StopReason::budget);
  Decision decision;
  decision.next_samples = burst_size(rule.burst_ms, next_look - count,
                                     (next_look - last_look) / rule.bursts_between_looks, call_ms);
  return decision;
}

bool may_go_on(const StoppingRule& rule, const Decision& decision, size_t samples, double spent_s) {
  return rule.ends_together && decision.has_to_stop && decision.reason == StopReason::converged &&
         spent_s < rule.time_budget_s && samples < static_cast<size_t>(rule.max_samples);
}

int most_bursts(const StoppingRule& rule) {
  if (rule.max_samples <= rule.min_samples) return 1;
  int looks = 1;
  for (int samples = rule.min_samples; samples < rule.max_samples; samples *= 2) ++looks;
  return looks * rule.bursts_between_looks;
}

}  // namespace attnbench
