// Mann and Whitney's test of two samples, and Hodges and Lehmann's shift that belongs to it.
#pragma once

#include <span>
#include <vector>

#include "model/statistics.h"

namespace attnbench {

// Rank of each value, from 1; equal ones share the mean of their ranks.
std::vector<double> midranks(std::span<const double> values);

class RankSums {
 public:
  RankSums(std::vector<double> a, std::vector<double> b);  // neither may be empty

  bool is_exact() const { return !cumulative_.empty(); }
  double p_value() const;  // two-sided, of "both are drawn from one distribution"
  double shift() const;    // median of all b - a
  // The shifts that the test would not reject at this level; infinite where it rejects none.
  Interval shift_interval(double level) const;

 private:
  double kth_difference(double k) const;  // from 1, of all b - a in rising order

  std::vector<double> a_, b_;       // sorted
  double pairs_below_ = 0.0;        // U: pairs with a < b, ties counting one half
  double deviation_ = 0.0;          // of U under the hypothesis, ties taken into account
  std::vector<double> cumulative_;  // P(U <= u) for u = 0, 1, ...; empty: the normal approximation
};

}  // namespace attnbench
