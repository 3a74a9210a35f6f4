#include "compare/rank_sums.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "support/catch.h"

using namespace attnbench;

namespace {

// All ways to choose which ranks belong to `a`, one by one: slow and surely right.
double p_by_enumeration(size_t n, size_t m, size_t pairs_below) {
  std::vector<bool> is_a(n + m, false);
  std::fill(is_a.begin(), is_a.begin() + static_cast<long>(n), true);
  const size_t extreme = std::min(pairs_below, n * m - pairs_below);
  size_t all = 0, as_extreme = 0;
  do {
    size_t below = 0, seen_a = 0;
    for (const bool a : is_a) {
      if (a) {
        ++seen_a;
      } else {
        below += seen_a;
      }
    }
    ++all;
    if (std::min(below, n * m - below) <= extreme) ++as_extreme;
  } while (std::prev_permutation(is_a.begin(), is_a.end()));
  return static_cast<double>(as_extreme) / static_cast<double>(all);
}

}  // namespace

TEST_CASE("exact p values are those of every arrangement counted", "[compare]") {
  const std::vector<double> a = {1.0, 3.0, 5.5, 2.2, 7.0};
  const std::vector<double> b = {4.0, 6.0, 8.0, 9.0};
  // Pairs with a below b: 3 + 4 + 5 + 5, of 20.
  CHECK(RankSums(a, b).p_value() == Approx(p_by_enumeration(5, 4, 17)));
  CHECK(RankSums(b, a).p_value() == Approx(p_by_enumeration(5, 4, 17)));
  CHECK(RankSums({1, 2, 3, 4, 5}, {6, 7, 8, 9, 10}).p_value() == Approx(2.0 / 252.0));
}

TEST_CASE("the exact counts hold up to thirty against thirty", "[compare]") {
  std::vector<double> a, b;
  for (int i = 0; i < 30; ++i) {
    a.push_back(i);
    b.push_back(i + 0.5);
  }
  const RankSums ranks(a, b);
  REQUIRE(ranks.is_exact());
  // U = 465 of 900; the normal approximation with continuity gives 0.8303.
  CHECK(ranks.p_value() == Approx(0.8303).margin(0.005));
}

TEST_CASE("ties and large samples use the normal approximation", "[compare]") {
  const RankSums tied({1, 1, 2, 3, 3, 3}, {1, 2, 2, 4, 4, 5});
  CHECK_FALSE(tied.is_exact());
  // By hand: U = 24, its variance 6 * 6 / 12 * (13 - 78 / (12 * 11)) = 37.23, and half a pair of
  // continuity, so z = 5.5 / 6.101.
  CHECK(tied.p_value() == Approx(std::erfc(5.5 / 6.1014 / std::sqrt(2.0))).epsilon(1e-4));
  CHECK(RankSums(std::vector<double>(40, 1.0), std::vector<double>(40, 1.0)).p_value() == 1.0);
}

TEST_CASE("the shift is the median of all differences, inside its interval", "[compare]") {
  const RankSums ranks({1.0, 2.0, 4.0}, {3.0, 5.0, 9.0});
  // Differences in order: -1 1 1 2 3 4 5 7 8.
  CHECK(ranks.shift() == Approx(3.0));
  // Three against three reject nothing at 1 %.
  CHECK(std::isinf(ranks.shift_interval(0.01).high));
  CHECK(ranks.shift_interval(0.11).low == Approx(-1.0));
  CHECK(ranks.shift_interval(0.11).high == Approx(8.0));
}

TEST_CASE("independent samples of one distribution are told apart at the level asked for",
          "[compare]") {
  std::mt19937 generator(5);
  std::lognormal_distribution<double> draw(0.0, 0.3);
  const auto series = [&](size_t count) {
    std::vector<double> values;
    for (size_t i = 0; i < count; ++i) values.push_back(draw(generator));
    return values;
  };
  int rejected = 0, outside = 0;
  for (int i = 0; i < 2000; ++i) {
    const size_t count = i % 2 == 0 ? 20 : 40;  // exact and normal
    const RankSums ranks(series(count), series(count));
    if (ranks.p_value() <= 0.05) ++rejected;
    const Interval interval = ranks.shift_interval(0.05);
    if (interval.low > 0.0 || interval.high < 0.0) ++outside;
  }
  CHECK(rejected == Approx(100).margin(35));
  CHECK(outside == Approx(100).margin(35));
}
