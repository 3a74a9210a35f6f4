#include "measure/stopping.h"

#include <random>

#include "model/statistics.h"
#include "support/catch.h"

using namespace attnbench;

namespace {

// What a run sees: bursts as asked for, of calls that last `call_ms` with relative noise `spread`.
struct Outcome {
  std::vector<double> samples_ms;
  std::vector<int> bursts;
  StopReason reason;
};

Outcome measure(const StoppingRule& rule, double call_ms, double spread, uint32_t seed = 1) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> noise(1.0, spread);
  Outcome outcome;
  double spent_s = 0;
  while (true) {
    const Decision decision = decide(rule, outcome.samples_ms, spent_s, call_ms);
    if (decision.has_to_stop) {
      outcome.reason = decision.reason;
      return outcome;
    }
    REQUIRE(decision.next_samples >= 1);
    outcome.bursts.push_back(decision.next_samples);
    for (int i = 0; i < decision.next_samples; ++i) {
      outcome.samples_ms.push_back(call_ms * std::max(0.1, noise(generator)));
      spent_s += outcome.samples_ms.back() * 1e-3;
    }
  }
}

StoppingRule gpu_rule(Effort effort) {
  return stopping_rule(effort, "cuda:0");
}

}  // namespace

TEST_CASE("a quiet kernel stops at the first look", "[stopping]") {
  const Outcome outcome = measure(gpu_rule(Effort::normal), 1.0, 1e-4);
  CHECK(outcome.samples_ms.size() == 20);
  CHECK(outcome.reason == StopReason::converged);
  CHECK(outcome.bursts == std::vector<int>{8, 12});
}

TEST_CASE("a noisy kernel is looked at after 20, 40, 80, ... samples", "[stopping]") {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    const Outcome outcome = measure(gpu_rule(Effort::normal), 0.05, 0.015, seed);
    REQUIRE(outcome.reason == StopReason::converged);
    const size_t looks = outcome.samples_ms.size() / 20;
    CHECK(outcome.samples_ms.size() == looks * 20);
    CHECK((looks & (looks - 1)) == 0);
    CHECK(summarise(outcome.samples_ms).half_width() <= 0.005);
    // Every earlier look found the interval too wide.
    for (size_t n = 20; n < outcome.samples_ms.size(); n *= 2) {
      const std::vector<double> first(outcome.samples_ms.begin(), outcome.samples_ms.begin() + n);
      CHECK(summarise(first).half_width() > 0.005);
    }
  }
}

TEST_CASE("a headline takes at least 16 rounds, however quiet the kernel", "[stopping]") {
  const Outcome outcome = measure(gpu_rule(Effort::headline), 0.1, 1e-4);
  CHECK(outcome.reason == StopReason::converged);
  CHECK(outcome.bursts == std::vector<int>(16, 8));
}

TEST_CASE("who has converged may go on within its own time budget, but not at effort grid",
          "[stopping]") {
  const StoppingRule rule = gpu_rule(Effort::headline);
  const Decision converged = {true, StopReason::converged, 0};
  CHECK(may_go_on(rule, converged, 128, 0.1));
  CHECK_FALSE(may_go_on(rule, converged, 128, rule.time_budget_s));
  CHECK_FALSE(may_go_on(rule, converged, 5120, 0.1));
  CHECK_FALSE(may_go_on(rule, {true, StopReason::budget, 0}, 128, 0.1));
  CHECK_FALSE(may_go_on(rule, {false, StopReason::converged, 8}, 64, 0.1));
  CHECK(may_go_on(gpu_rule(Effort::normal), converged, 20, 0.1));
  CHECK_FALSE(may_go_on(gpu_rule(Effort::grid), converged, 5, 0.1));
}

TEST_CASE("no trial takes more bursts than looks ask for", "[stopping]") {
  CHECK(most_bursts(gpu_rule(Effort::grid)) == 1);
  CHECK(most_bursts(gpu_rule(Effort::normal)) == 28);
  for (const Effort effort : {Effort::normal, Effort::headline}) {
    const size_t bursts = measure(gpu_rule(effort), 0.05, 0.5).bursts.size();
    CHECK(bursts <= static_cast<size_t>(most_bursts(gpu_rule(effort))));
  }
}

TEST_CASE("samples beyond a look do not change its judgement", "[stopping]") {
  const StoppingRule rule = gpu_rule(Effort::normal);
  std::vector<double> samples(20, 1.0);
  for (size_t i = 0; i < 10; ++i) samples[i] = 2.0;
  CHECK_FALSE(decide(rule, samples, 0.0).has_to_stop);
  samples.insert(samples.end(), 15, 1.0);  // a worker took more than it was asked for
  const Decision decision = decide(rule, samples, 0.0);
  CHECK_FALSE(decision.has_to_stop);
  CHECK(decision.next_samples == 5);  // up to 40
}

TEST_CASE("the time budget ends what does not converge, but not before the first look",
          "[stopping]") {
  const Outcome noisy = measure(gpu_rule(Effort::normal), 4.0, 0.3);
  CHECK(noisy.reason == StopReason::budget);
  CHECK(noisy.samples_ms.size() >= 20);
  CHECK(noisy.samples_ms.size() < 160);
  // 50 ms x 20 is twice the budget: it has its 20 samples all the same.
  const Outcome slow = measure(gpu_rule(Effort::normal), 50.0, 0.3);
  CHECK(slow.reason == StopReason::budget);
  CHECK(slow.samples_ms.size() == 20);
}

TEST_CASE("where one call exceeds 100 ms six samples are enough", "[stopping]") {
  const Outcome quiet = measure(gpu_rule(Effort::normal), 101.0, 1e-4);
  CHECK(quiet.samples_ms.size() == 6);
  CHECK(quiet.reason == StopReason::converged);
  const Outcome noisy = measure(gpu_rule(Effort::normal), 500.0, 0.3);
  CHECK(noisy.samples_ms.size() == 6);
  CHECK(noisy.reason == StopReason::budget);
}

TEST_CASE("the grid takes ten samples, six above 20 ms, however noisy", "[stopping]") {
  for (const double spread : {1e-5, 0.3}) {
    const Outcome fast = measure(gpu_rule(Effort::grid), 0.05, spread);
    CHECK(fast.samples_ms.size() == 10);
    CHECK(fast.reason == StopReason::max_samples);
    CHECK(measure(gpu_rule(Effort::grid), 30.0, spread).samples_ms.size() == 6);
    // 15 ms: past 0.15 s, and still ten.
    CHECK(measure(gpu_rule(Effort::grid), 15.0, spread).samples_ms.size() == 10);
  }
  CHECK(stopping_rule(Effort::grid, "cpu").warmup_ms == 10);
}

TEST_CASE("a GPU's grid takes one burst a trial, several only where that would take seconds",
          "[stopping]") {
  for (const double call_ms : {0.05, 5.0, 30.0, 160.0}) {
    CHECK(measure(gpu_rule(Effort::grid), call_ms, 0.1).bursts.size() == 1);
  }
  CHECK(measure(gpu_rule(Effort::grid), 600.0, 0.1).bursts == std::vector<int>{2, 2, 2});
  CHECK(measure(gpu_rule(Effort::normal), 5.0, 0.1).bursts.size() > 4);
}

TEST_CASE("a GPU gets time to clock steadily before a trial's first burst", "[stopping]") {
  for (const Effort effort : {Effort::grid, Effort::normal, Effort::headline}) {
    CHECK(gpu_rule(effort).first_warmup_ms >= 100);
    const StoppingRule on_cpu = stopping_rule(effort, "cpu");
    CHECK(on_cpu.first_warmup_ms == on_cpu.warmup_ms);
  }
}

TEST_CASE("a kernel that never converges and costs nothing ends at the last look", "[stopping]") {
  const Outcome outcome = measure(gpu_rule(Effort::normal), 0.02, 0.5);
  CHECK(outcome.reason == StopReason::max_samples);
  CHECK(outcome.samples_ms.size() == 1280);
}

TEST_CASE("an interval need not be narrower than half a tick of the clock", "[stopping]") {
  // 3 us in ticks of half a microsecond: no interval but a whole tick or none can be seen.
  StoppingRule rule = gpu_rule(Effort::normal);
  std::vector<double> samples;
  for (int i = 0; i < 20; ++i) samples.push_back(0.00300 + (i % 3) * 0.0001);
  CHECK(decide(rule, samples, 0.0).has_to_stop);
  rule.clock_tick_ms = 0.0;
  CHECK_FALSE(decide(rule, samples, 0.0).has_to_stop);
}

TEST_CASE("bursts are eight samples or 20 ms at least, and few between two looks", "[stopping]") {
  const StoppingRule rule = gpu_rule(Effort::normal);
  CHECK(decide(rule, {}, 0.0, 0.0).next_samples == 8);  // nothing known yet
  CHECK(decide(rule, {}, 0.0, 0.01).next_samples == 8);
  CHECK(decide(rule, {}, 0.0, 5.0).next_samples == 5);  // a quarter of the way exceeds 20 ms
  CHECK(decide(rule, {}, 0.0, 1000.0).next_samples == 1);
  const Outcome outcome = measure(rule, 0.02, 0.5);
  CHECK(outcome.bursts.size() <= 2 + 6 * 5);
}

TEST_CASE("on a CPU a sample lasts at least a millisecond", "[stopping]") {
  CHECK(stopping_rule(Effort::normal, "cpu").min_sample_ms == 1.0);
  CHECK(stopping_rule(Effort::normal, "cuda:0").min_sample_ms == 0.0);
}
