#include "compare/estimate.h"

#include <cmath>
#include <random>

#include "support/catch.h"

using namespace attnbench;

namespace {

std::vector<double> autoregressive(size_t count, double memory, uint32_t seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> noise(0.0, 1.0);
  std::vector<double> values = {noise(generator)};
  while (values.size() < count) {
    values.push_back(memory * values.back() + std::sqrt(1.0 - memory * memory) * noise(generator));
  }
  return values;
}

}  // namespace

TEST_CASE("only rounds that both sides have make a pair", "[compare]") {
  const Series base{{1.0, 1.0, 2.0, 4.0}, {0, 0, 1, 2}};
  const Series contender{{2.0, 8.0, 9.0}, {0, 2, 3}};
  const std::vector<double> ratios = round_log_ratios(base, contender);
  REQUIRE(ratios.size() == 2);
  CHECK(ratios[0] == Approx(std::log(2.0)));
  CHECK(ratios[1] == Approx(std::log(2.0)));
  CHECK(round_log_ratios({{1.0}, {}}, {{1.0}, {}}).empty());
}

TEST_CASE("drift that meets both sides cancels out", "[compare]") {
  Series base, contender;
  for (int round = 0; round < 8; ++round) {
    const double drift = 1.0 + 0.2 * round;
    base.samples_ms.push_back(drift);
    contender.samples_ms.push_back(1.02 * drift * (round % 2 == 0 ? 1.001 : 0.999));
    base.rounds.push_back(round);
    contender.rounds.push_back(round);
  }
  const Estimate paired = estimate_paired(round_log_ratios(base, contender), 0.01);
  CHECK(paired.log_ratio == Approx(std::log(1.02)).margin(1e-4));
  CHECK(paired.log_low > 0.015);
  CHECK(paired.log_high < 0.025);
  CHECK(paired.p_value < 1e-4);
  CHECK(estimate_unpaired(base, contender, 0.01).p_value > 0.5);
}

TEST_CASE("a paired interval is Student's where nothing is trimmed", "[compare]") {
  const std::vector<double> ratios = {0.01, 0.02, 0.03, 0.02, 0.02};
  const Estimate estimate = estimate_paired(ratios, 0.01);
  // Mean 0.02, standard error sqrt(2e-4 / 20), t(4 degrees, 99 %) = 4.604.
  CHECK(estimate.log_ratio == Approx(0.02));
  CHECK(estimate.log_high - 0.02 == Approx(4.604 * std::sqrt(2e-4 / 20)).epsilon(1e-3));
}

TEST_CASE("one disturbed round of ten does not hide what the others say", "[compare]") {
  std::vector<double> ratios = {0.020, 0.021, 0.019, 0.020, 0.022,
                                0.018, 0.020, 0.021, 0.019, 1.500};
  const Estimate estimate = estimate_paired(ratios, 0.01);
  CHECK(estimate.log_ratio == Approx(0.02).margin(1e-3));
  CHECK(estimate.log_low > 0.015);
}

TEST_CASE("too few ratios leave everything open", "[compare]") {
  for (const std::vector<double>& ratios : {std::vector<double>{}, std::vector<double>{0.5}}) {
    const Estimate estimate = estimate_paired(ratios, 0.01);
    CHECK(estimate.p_value == 1.0);
    CHECK(std::isinf(estimate.log_low));
    CHECK(std::isinf(estimate.log_high));
  }
}

TEST_CASE("autocorrelated samples count as fewer", "[compare]") {
  CHECK(autocorrelation_time(autoregressive(2000, 0.0, 1)) == Approx(1.0).margin(0.2));
  // (1 + 0.8) / (1 - 0.8) = 9 in theory.
  CHECK(autocorrelation_time(autoregressive(5000, 0.8, 2)) == Approx(9.0).margin(3.0));
  CHECK(autocorrelation_time(std::vector<double>(50, 1.0)) == 1.0);
  CHECK(autocorrelation_time(std::vector<double>{1.0, 2.0}) == 1.0);
}

TEST_CASE("bursts at different levels are no difference between two kernels", "[compare]") {
  // Each burst of eight at its own level: 5 % from burst to burst, 0.1 % inside.
  std::mt19937 generator(3);
  std::normal_distribution<double> level(0.0, 0.05), inside(0.0, 0.001);
  int sure = 0;
  for (int trial = 0; trial < 500; ++trial) {
    Series sides[2];
    for (Series& side : sides) {
      for (int round = 0; round < 10; ++round) {
        const double here = level(generator);
        for (int i = 0; i < 8; ++i) {
          side.samples_ms.push_back(std::exp(here + inside(generator)));
          side.rounds.push_back(round);
        }
      }
    }
    if (estimate_unpaired(sides[0], sides[1], 0.01).p_value <= 0.01) ++sure;
  }
  // Without the correction it is every other one.
  CHECK(sure <= 20);
}

TEST_CASE("Holm's correction multiplies by what still stands and keeps the order", "[compare]") {
  const std::vector<double> adjusted = holm_adjusted({0.01, 0.04, 0.03, 0.005});
  CHECK(adjusted[3] == Approx(0.02));
  CHECK(adjusted[0] == Approx(0.03));
  CHECK(adjusted[2] == Approx(0.06));
  CHECK(adjusted[1] == Approx(0.06));
  CHECK(holm_adjusted({}).empty());
  CHECK(holm_adjusted({0.9, 0.8}) == std::vector<double>{1.0, 1.0});
}
