#include "model/statistics.h"

#include <cmath>
#include <numeric>
#include <random>

#include "base/error.h"
#include "support/catch.h"

using namespace attnbench;

namespace {

std::vector<double> one_to(int n) {
  std::vector<double> samples(n);
  std::iota(samples.begin(), samples.end(), 1.0);
  return samples;
}

// P(Binomial(n, 1/2) < k), summed in integers: exact up to n = 60.
double probability_below(int k, int n) {
  double sum = 0;
  double choose = 1;
  for (int i = 0; i < k; ++i) {
    sum += choose;
    choose = choose * (n - i) / (i + 1);
  }
  return std::ldexp(sum, -n);
}

}  // namespace

TEST_CASE("median and quantiles are those of the sorted samples", "[statistics]") {
  CHECK(median({3, 1, 2}) == 2);
  CHECK(median({4, 1, 2, 3}) == 2.5);
  CHECK(median({7}) == 7);
  CHECK(quantile({5, 1, 3, 2, 4}, 0.0) == 1);
  CHECK(quantile({5, 1, 3, 2, 4}, 1.0) == 5);
  CHECK(quantile({5, 1, 3, 2, 4}, 0.2) == Approx(1.8));
  CHECK_THROWS_AS(median({}), Error);
}

TEST_CASE("the median's interval is the narrowest pair of order statistics with 95 %",
          "[statistics]") {
  for (int n = 6; n <= 50; ++n) {
    const Interval interval = median_interval(one_to(n));
    const int rank = static_cast<int>(interval.low);
    CHECK(interval.high == n + 1 - rank);
    CHECK(1 - 2 * probability_below(rank, n) >= 0.95);
    CHECK(1 - 2 * probability_below(rank + 1, n) < 0.95);
  }
}

TEST_CASE("ranks agree with the published table of the sign test", "[statistics]") {
  // Conover, Practical Nonparametric Statistics: 95 % limits of the median.
  CHECK(median_interval(one_to(10)).low == 2);
  CHECK(median_interval(one_to(20)).low == 6);
  CHECK(median_interval(one_to(40)).low == 14);
  CHECK(median_interval(one_to(100)).low == 40);
}

TEST_CASE("fewer than six samples give their whole range", "[statistics]") {
  for (int n = 1; n < 6; ++n) {
    CHECK(median_interval(one_to(n)).low == 1);
    CHECK(median_interval(one_to(n)).high == n);
  }
}

TEST_CASE("ranks of very many samples follow the normal limit", "[statistics]") {
  for (const int n : {2000, 100000}) {  // 2^-n is 0 in double
    const double expected = n / 2.0 - 1.959964 * std::sqrt(n) / 2;
    CHECK(median_interval(one_to(n)).low == Approx(expected).margin(1.0));
  }
}

TEST_CASE("the interval holds the true median in 95 % of experiments", "[statistics]") {
  std::mt19937 generator(7);
  std::exponential_distribution<double> skewed(1.0);
  int held = 0;
  constexpr int kExperiments = 4000;
  for (int experiment = 0; experiment < kExperiments; ++experiment) {
    std::vector<double> samples(20);
    for (double& sample : samples) sample = skewed(generator);
    const Interval interval = median_interval(samples);
    if (interval.low <= std::log(2.0) && std::log(2.0) <= interval.high) ++held;
  }
  // n = 20 promises 95.86 %; four standard deviations of the count are 1.3 %.
  CHECK(held / double(kExperiments) == Approx(0.9586).margin(0.013));
}

TEST_CASE("a summary has every number of its samples", "[statistics]") {
  const Summary summary = summarise({9, 1, 2, 3, 4, 5, 6, 7, 8, 100});
  CHECK(summary.n == 10);
  CHECK(summary.median == 5.5);
  CHECK(summary.min == 1);
  CHECK(summary.mean == 14.5);
  CHECK(summary.p20 == Approx(2.8));
  CHECK(summary.p80 == Approx(8.2));
  CHECK(summary.ci.low == 2);
  CHECK(summary.ci.high == 9);
  CHECK(summary.half_width() == Approx(3.5 / 5.5));
  CHECK(summarise({}).n == 0);
}
