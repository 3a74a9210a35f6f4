// When is a median known well enough? Looks at the samples after 20, 40, 80, ... of them, and stops
// when the 95 % confidence interval of the median is narrow.
//
// Lesson: whoever looks after every sample and stops at the first narrow interval stops on luck,
// and the interval no longer holds the median in 95 % of runs. Few looks, each at twice the samples
// of the one before, keep that error small. So a look at n samples judges the first n, however many
// there are.
#pragma once

#include <string_view>
#include <vector>

#include "base/enum_text.h"
#include "model/settings.h"

namespace attnbench {

struct StoppingRule {
  int min_samples = 20;          // the first look; no rule but this one counts before it
  int slow_min_samples = 6;      // the same where a call is slow: fewer have no interval at all
  double slow_call_ms = 100;     // a call longer than this is slow
  int bursts_between_looks = 4;  // about so many: the providers of a case take turns by bursts
  double burst_ms = 20;          // a burst is 8 samples, or as many as last so long if fewer do
  int max_samples = 1280;  // a last look: past it the interval hardly narrows, but records swell
  double max_rel_half_width = 0.005;  // of the interval, relative to the median
  double clock_tick_ms = 0.0;         // no interval is asked to be narrower than half of this
  double time_budget_s = 0.5;         // of measuring; counts only once there are enough samples
  double first_warmup_ms = 25;        // of a trial's first burst: until a GPU clocks steadily
  double warmup_ms = 25;              // of every burst at least this long, and
  int min_warmup_calls = 3;           // so many calls, the number drawn by chance for each trial:
  int max_warmup_calls = 8;           // a provider must not know which call is timed first
  bool ends_together = true;   // who has converged goes on until all providers of its case have
  double min_sample_ms = 0.0;  // shorter calls are batched into samples of this length
};

// The presets of `--effort`. On "cpu" samples last at least 1 ms: the scheduler's and the clock's
// noise is small against that.
StoppingRule stopping_rule(Effort effort, std::string_view device);

enum class StopReason { converged, budget, max_samples };
inline constexpr EnumText<StopReason> kStopReasons[] = {{StopReason::converged, "converged"},
                                                        {StopReason::budget, "budget"},
                                                        {StopReason::max_samples, "max_samples"}};

struct Decision {
  bool has_to_stop = false;
  StopReason reason = StopReason::converged;  // means something only if has_to_stop
  int next_samples = 0;                       // else: what the next burst should take, at least 1
};

// `spent_s`: measuring time of this trial so far. `estimate_ms`: one call as the warm-up or the
// verification saw it, used while there are no samples; 0 where not known.
Decision decide(const StoppingRule& rule, const std::vector<double>& samples_ms, double spent_s,
                double estimate_ms = 0.0);

// Whether a trial of which `decision` says that it has enough is measured on while others of its
// case have not. As long as its own time budget lasts; warm-ups are not in that.
bool may_go_on(const StoppingRule& rule, const Decision& decision, size_t samples, double spent_s);

// Of a trial, about: looks times bursts between them.
int most_bursts(const StoppingRule& rule);

}  // namespace attnbench
