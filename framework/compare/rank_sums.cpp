#include "compare/rank_sums.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>

#include "base/error.h"
#include "compare/probability.h"

namespace attnbench {
namespace {

// Samples in both together for which the number of arrangements fits 64 bits.
constexpr size_t kMaxExact = 60;

// P(U <= u), by counting: the number of arrangements with U = u is the coefficient of q^u in the
// Gaussian binomial coefficient, the product of (1 - q^(m+i)) / (1 - q^i) for i = 1..n. Unsigned
// arithmetic wraps around on the way and is right in the end.
std::vector<double> exact_cumulative(size_t n, size_t m) {
  std::vector<uint64_t> counts(n * m + 1, 0);
  counts[0] = 1;
  for (size_t i = 1; i <= n; ++i) {
    for (size_t u = counts.size(); u-- > m + i;) counts[u] -= counts[u - m - i];
    for (size_t u = i; u < counts.size(); ++u) counts[u] += counts[u - i];
  }
  const double total =
      static_cast<double>(std::accumulate(counts.begin(), counts.end(), uint64_t{0}));
  std::vector<double> cumulative;
  uint64_t sum = 0;
  for (const uint64_t count : counts) {
    sum += count;
    cumulative.push_back(static_cast<double>(sum) / total);
  }
  return cumulative;
}

}  // namespace

std::vector<double> midranks(std::span<const double> values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (size_t first = 0; first < order.size();) {
    size_t last = first;
    while (last + 1 < order.size() && values[order[last + 1]] == values[order[first]]) ++last;
    const double shared = 0.5 * static_cast<double>(first + last) + 1.0;
    for (size_t i = first; i <= last; ++i) ranks[order[i]] = shared;
    first = last + 1;
  }
  return ranks;
}

RankSums::RankSums(std::vector<double> a, std::vector<double> b)
    : a_(std::move(a)), b_(std::move(b)) {
  if (a_.empty() || b_.empty()) throw Error("a rank test of no samples was asked for");
  std::sort(a_.begin(), a_.end());
  std::sort(b_.begin(), b_.end());
  std::vector<double> all = a_;
  all.insert(all.end(), b_.begin(), b_.end());
  const std::vector<double> ranks = midranks(all);
  const double n = static_cast<double>(a_.size());
  const double m = static_cast<double>(b_.size());
  const double rank_sum = std::accumulate(ranks.begin() + a_.size(), ranks.end(), 0.0);
  pairs_below_ = rank_sum - m * (m + 1.0) / 2.0;

  std::sort(all.begin(), all.end());
  double tied = 0.0;
  for (size_t first = 0; first < all.size();) {
    const size_t next = std::upper_bound(all.begin(), all.end(), all[first]) - all.begin();
    const double run = static_cast<double>(next - first);
    tied += run * run * run - run;
    first = next;
  }
  const double total = n + m;
  deviation_ = std::sqrt(n * m / 12.0 * (total + 1.0 - tied / (total * (total - 1.0))));
  if (tied == 0.0 && all.size() <= kMaxExact) cumulative_ = exact_cumulative(a_.size(), b_.size());
}

double RankSums::p_value() const {
  const double middle = 0.5 * static_cast<double>(a_.size() * b_.size());
  const double below = std::min(pairs_below_, 2.0 * middle - pairs_below_);
  if (is_exact()) return std::min(1.0, 2.0 * cumulative_[static_cast<size_t>(below)]);
  if (deviation_ == 0.0) return 1.0;
  return normal_two_sided(std::max(0.0, middle - below - 0.5) / deviation_);
}

double RankSums::shift() const {
  const double count = static_cast<double>(a_.size() * b_.size());
  return 0.5 * (kth_difference(std::floor((count + 1.0) / 2.0)) +
                kth_difference(std::ceil((count + 1.0) / 2.0)));
}

Interval RankSums::shift_interval(double level) const {
  const double count = static_cast<double>(a_.size() * b_.size());
  double k = 0.0;
  if (is_exact()) {
    k = static_cast<double>(std::upper_bound(cumulative_.begin(), cumulative_.end(), 0.5 * level) -
                            cumulative_.begin());
  } else {
    k = std::floor(0.5 * count - normal_quantile(level) * deviation_);
  }
  if (k < 1.0) return {-INFINITY, INFINITY};
  return {kth_difference(k), kth_difference(count + 1.0 - k)};
}

// By bisection on the value: there may be millions of differences, and they need not be listed to
// be counted.
double RankSums::kth_difference(double k) const {
  const auto count_up_to = [this](double limit) {
    double count = 0.0;
    size_t reached = 0;
    for (const double a : a_) {
      while (reached < b_.size() && b_[reached] - a <= limit) ++reached;
      count += static_cast<double>(reached);
    }
    return count;
  };
  double low = b_.front() - a_.back();
  double high = b_.back() - a_.front();
  if (count_up_to(low) >= k) return low;
  for (int step = 0; step < 60; ++step) {
    const double middle = 0.5 * (low + high);
    (count_up_to(middle) >= k ? high : low) = middle;
  }
  return high;
}

}  // namespace attnbench
