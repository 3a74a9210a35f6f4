// How much slower is one series of times than another, and how sure is that? Pure arithmetic on
// samples; verdict.h turns it into a word.
//
// Lesson: samples of one burst share its clock, its temperature and its luck. On a power-limited
// H100 bursts of one kernel were seen 1 to 10 % apart while samples inside a burst agreed within
// 1 %, so twenty samples of two bursts know little more than two numbers. Whoever counts them as
// twenty finds differences between a kernel and itself. Hence: where two trials took turns, the
// unit is the round, and drift cancels; where they did not, samples count as many as their
// autocorrelation leaves of them.
//
// All is done on logarithms: 2 % slower and 2 % faster are then the same distance from "same".
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/enum_text.h"

namespace attnbench {

enum class Method { none, paired, mann_whitney };
inline constexpr EnumText<Method> kMethods[] = {
    {Method::none, "none"}, {Method::paired, "paired"}, {Method::mann_whitney, "mann_whitney"}};

struct Estimate {
  Method method = Method::none;
  double log_ratio = 0.0;                // of contender to base: below 0 the contender is faster
  double log_low = 0.0, log_high = 0.0;  // its interval; infinite where the samples are too few
  double p_value = 1.0;                  // of no difference, two-sided
};

struct Series {
  std::vector<double> samples_ms;
  std::vector<int> rounds;  // of each sample; empty: not known
};

// log(median of contender / median of base) for every round that both have.
std::vector<double> round_log_ratios(const Series& base, const Series& contender);

// Student's interval around the mean of the log ratios; from 10 on a fifth is trimmed at each end
// (Yuen 1974), so that a disturbed round does not spoil the others. `alpha`: 0.01 is an interval of
// 99 %. Needs two ratios; with fewer all is unknown.
Estimate estimate_paired(std::span<const double> log_ratios, double alpha);

// Mann and Whitney's test, with the interval of the shift that it would not reject (Hodges and
// Lehmann): exact up to 60 samples without ties, else normal. Autocorrelation widens both.
Estimate estimate_unpaired(const Series& base, const Series& contender, double alpha);

// How many samples of this series, in the order in which they were taken, carry as much as one
// independent one: 1 or more. Of ranks, so that a stray sample hides nothing.
double autocorrelation_time(std::span<const double> series);

// Holm's correction: each p value times the number of hypotheses still standing at its turn, so
// that the chance of any false alarm among all of them stays at the level of one.
std::vector<double> holm_adjusted(const std::vector<double>& p_values);

}  // namespace attnbench
