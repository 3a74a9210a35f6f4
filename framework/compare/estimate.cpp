#include "compare/estimate.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "compare/probability.h"
#include "compare/rank_sums.h"
#include "model/statistics.h"

namespace attnbench {
namespace {

constexpr double kTrimmedFraction = 0.2;  // at each end
constexpr size_t kTrimFrom = 10;          // ratios: with fewer the loss is larger than the gain

// A call below the clock's tick took no time, which has no logarithm; it counts as a nanosecond.
double log_of_time(double milliseconds) {
  return std::log(std::max(milliseconds, 1e-6));
}

std::vector<double> logs_of(const std::vector<double>& samples_ms) {
  std::vector<double> logs;
  for (const double sample : samples_ms) logs.push_back(log_of_time(sample));
  return logs;
}

std::map<int, double> round_medians(const Series& series) {
  std::map<int, std::vector<double>> samples;
  for (size_t i = 0; i < series.rounds.size(); ++i) {
    samples[series.rounds[i]].push_back(series.samples_ms[i]);
  }
  std::map<int, double> medians;
  for (auto& [round, values] : samples) medians[round] = median(std::move(values));
  return medians;
}

}  // namespace

std::vector<double> round_log_ratios(const Series& base, const Series& contender) {
  const std::map<int, double> base_medians = round_medians(base);
  std::vector<double> ratios;
  for (const auto& [round, contender_ms] : round_medians(contender)) {
    const std::map<int, double>::const_iterator found = base_medians.find(round);
    if (found == base_medians.end()) continue;
    ratios.push_back(log_of_time(contender_ms) - log_of_time(found->second));
  }
  return ratios;
}

Estimate estimate_paired(std::span<const double> log_ratios, double alpha) {
  Estimate estimate;
  estimate.method = Method::paired;
  estimate.log_low = -INFINITY;
  estimate.log_high = INFINITY;
  const size_t count = log_ratios.size();
  if (count == 0) return estimate;
  std::vector<double> sorted(log_ratios.begin(), log_ratios.end());
  std::sort(sorted.begin(), sorted.end());
  const size_t cut = count < kTrimFrom ? 0 : static_cast<size_t>(kTrimmedFraction * count);
  const size_t kept = count - 2 * cut;
  estimate.log_ratio =
      std::accumulate(sorted.begin() + cut, sorted.end() - cut, 0.0) / static_cast<double>(kept);
  if (kept < 2) return estimate;

  // Winsorised: what was trimmed counts in the spread as if it stood at the edge.
  for (size_t i = 0; i < cut; ++i) {
    sorted[i] = sorted[cut];
    sorted[count - 1 - i] = sorted[count - 1 - cut];
  }
  const double centre = std::accumulate(sorted.begin(), sorted.end(), 0.0) / count;
  double squares = 0.0;
  for (const double value : sorted) squares += (value - centre) * (value - centre);
  // A disturbance may last longer than a round; then the rounds it spans count as fewer.
  const double error = std::sqrt(squares * autocorrelation_time(log_ratios) /
                                 static_cast<double>(kept * (kept - 1)));
  const double freedom = static_cast<double>(kept - 1);
  const double half_width = error * student_quantile(alpha, freedom);
  estimate.log_low = estimate.log_ratio - half_width;
  estimate.log_high = estimate.log_ratio + half_width;
  if (estimate.log_ratio != 0.0) {
    estimate.p_value = student_two_sided(estimate.log_ratio / error, freedom);
  }
  return estimate;
}

Estimate estimate_unpaired(const Series& base, const Series& contender, double alpha) {
  const std::vector<double> a = logs_of(base.samples_ms);
  const std::vector<double> b = logs_of(contender.samples_ms);
  const double n = static_cast<double>(a.size());
  const double m = static_cast<double>(b.size());
  // Of the variance of the rank sum, against that of independent samples.
  const double inflation =
      (m * autocorrelation_time(base.samples_ms) + n * autocorrelation_time(contender.samples_ms)) /
      (n + m);
  const RankSums ranks(a, b);
  Estimate estimate;
  estimate.method = Method::mann_whitney;
  const double widened = std::sqrt(inflation);
  estimate.p_value = normal_two_sided(normal_quantile(ranks.p_value()) / widened);
  const double level = normal_two_sided(normal_quantile(alpha) * widened);
  const Interval interval = ranks.shift_interval(level);
  estimate.log_ratio = ranks.shift();
  estimate.log_low = interval.low;
  estimate.log_high = interval.high;
  return estimate;
}

double autocorrelation_time(std::span<const double> series) {
  const size_t count = series.size();
  if (count < 4) return 1.0;
  std::vector<double> centred = midranks(series);
  const double centre = 0.5 * static_cast<double>(count + 1);
  for (double& rank : centred) rank -= centre;
  const auto covariance = [&centred, count](size_t lag) {
    double sum = 0.0;
    for (size_t i = 0; i + lag < count; ++i) sum += centred[i] * centred[i + lag];
    return sum;
  };
  const double variance = covariance(0);
  if (variance == 0.0) return 1.0;
  // Geyer's initial positive sequence: correlations are summed in pairs while a pair is positive;
  // what comes after is noise.
  double time = -1.0;
  for (size_t lag = 0; lag + 1 < count; lag += 2) {
    const double pair = (covariance(lag) + covariance(lag + 1)) / variance;
    if (pair <= 0.0) break;
    time += 2.0 * pair;
  }
  return std::max(time, 1.0);
}

std::vector<double> holm_adjusted(const std::vector<double>& p_values) {
  std::vector<size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return p_values[a] < p_values[b]; });
  std::vector<double> adjusted(p_values.size());
  double largest = 0.0;
  for (size_t rank = 0; rank < order.size(); ++rank) {
    const double standing = static_cast<double>(order.size() - rank);
    largest = std::max(largest, std::min(1.0, standing * p_values[order[rank]]));
    adjusted[order[rank]] = largest;
  }
  return adjusted;
}

}  // namespace attnbench
