#include "model/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"

namespace attnbench {
namespace {

constexpr double kConfidence = 0.95;

std::vector<double> sorted(std::vector<double> samples) {
  if (samples.empty()) throw Error("statistics of no samples were asked for");
  std::sort(samples.begin(), samples.end());
  return samples;
}

double quantile_of_sorted(const std::vector<double>& samples, double q) {
  const double position = q * static_cast<double>(samples.size() - 1);
  const size_t below = static_cast<size_t>(std::floor(position));
  const size_t above = std::min(below + 1, samples.size() - 1);
  const double fraction = position - static_cast<double>(below);
  return samples[below] + fraction * (samples[above] - samples[below]);
}

// The rank k (from 1) of the lower of the two order statistics that span the median, the upper one
// being its mirror image; 0 where no pair has the confidence asked for. The true median lies below
// the k-th sample if fewer than k samples fall below it, so k is the largest with
// 2 P(X < k) <= 1 - confidence, X ~ Binomial(n, 1/2).
// Weights are relative to the middle one: 2^-n itself underflows at n > 1074.
size_t lower_rank(size_t n) {
  std::vector<double> weights(n + 1);  // of X = 0..n
  weights[n / 2] = 1.0;
  for (size_t i = n / 2; i > 0; --i) {
    weights[i - 1] = weights[i] * static_cast<double>(i) / static_cast<double>(n - i + 1);
  }
  for (size_t i = n / 2 + 1; i <= n; ++i) weights[i] = weights[n - i];
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  double tail = 0.0;  // P(X < k), in weights
  for (size_t k = 0; k < n / 2; ++k) {
    tail += weights[k];
    if (2 * tail > (1 - kConfidence) * total) return k;
  }
  return n / 2;
}

Interval median_interval_of_sorted(const std::vector<double>& samples) {
  const size_t rank = std::max<size_t>(lower_rank(samples.size()), 1);
  return {samples[rank - 1], samples[samples.size() - rank]};
}

}  // namespace

double Summary::half_width() const {
  return median > 0 ? std::max(ci.high - median, median - ci.low) / median : 0.0;
}

double median(std::vector<double> samples) {
  return quantile(std::move(samples), 0.5);
}

double quantile(std::vector<double> samples, double q) {
  return quantile_of_sorted(sorted(std::move(samples)), q);
}

Interval median_interval(std::vector<double> samples) {
  return median_interval_of_sorted(sorted(std::move(samples)));
}

Summary summarise(const std::vector<double>& samples) {
  if (samples.empty()) return {};
  const std::vector<double> ordered = sorted(samples);
  Summary summary;
  summary.n = static_cast<int>(ordered.size());
  summary.median = quantile_of_sorted(ordered, 0.5);
  summary.ci = median_interval_of_sorted(ordered);
  summary.min = ordered.front();
  summary.p20 = quantile_of_sorted(ordered, 0.2);
  summary.p80 = quantile_of_sorted(ordered, 0.8);
  summary.mean = std::accumulate(ordered.begin(), ordered.end(), 0.0) / summary.n;
  return summary;
}

}  // namespace attnbench
