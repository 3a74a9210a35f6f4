#include "worker/burst.h"

#include "worker/stage.h"

using namespace attnbench;

namespace {

BurstRequest burst_of(int warmup_calls, int max_samples) {
  return {std::string("t"), warmup_calls, 0.0, max_samples, 0.0, 0.0, true, 0, {}};
}

}  // namespace

TEST_CASE("a burst makes exactly the calls it reports", "[burst]") {
  Stage stage;
  stage.prepare(small_problem());
  const BurstReply burst = stage.session.handle(burst_of(3, 8));
  CHECK(burst.samples_ms.size() == 8);
  CHECK(burst.calls_per_sample == 1);
  CHECK(burst.warmup_calls == 3);
  CHECK(stage.testimony().calls == 3 + 8);
  for (const double sample_ms : burst.samples_ms) CHECK(sample_ms > 0.0);
}

TEST_CASE("outputs and workspace are poisoned before each timed sample", "[burst]") {
  Stage stage;
  stage.prepare(small_problem());
  stage.session.handle(burst_of(5, 1));
  CHECK(stage.testimony().output_was_poisoned);
  CHECK(stage.testimony().workspace_was_poisoned);
}

TEST_CASE("short calls are batched into samples of the length asked for", "[burst]") {
  Stage stage;
  stage.prepare(small_problem());
  BurstRequest request = burst_of(5, 4);
  request.min_sample_ms = 1.0;
  const BurstReply burst = stage.session.handle(request);
  CHECK(burst.calls_per_sample > 20);
  CHECK(stage.testimony().calls == 5 + 4 * burst.calls_per_sample);
  CHECK_FALSE(stage.testimony().output_was_poisoned);  // by the call before it in the batch
  for (const double sample_ms : burst.samples_ms) CHECK(sample_ms < 0.1);  // per call
}

TEST_CASE("a burst that is too short goes on, up to four times its samples", "[burst]") {
  Stage stage;
  stage.prepare(small_problem());
  BurstRequest request = burst_of(1, 8);
  request.min_total_ms = 1e6;
  CHECK(stage.session.handle(request).samples_ms.size() == 32);
}

TEST_CASE("warm-up lasts as long as asked", "[burst]") {
  Stage stage;
  stage.prepare(small_problem());
  BurstRequest request = burst_of(3, 1);
  request.warmup_ms = 20.0;
  const BurstReply burst = stage.session.handle(request);
  CHECK(burst.warmup_calls > 3);
  CHECK(stage.testimony().calls == burst.warmup_calls + 1);
}

TEST_CASE("a burst is busy from its warm-up to its last sample", "[burst]") {
  Stage stage;
  stage.prepare(small_problem());
  BurstRequest request = burst_of(3, 4);
  request.warmup_ms = 20.0;
  request.min_sample_ms = 1.0;
  const BurstReply burst = stage.session.handle(request);
  double samples_ms = 0.0;
  for (const double sample_ms : burst.samples_ms) samples_ms += sample_ms * burst.calls_per_sample;
  CHECK(burst.busy_ms >= 20.0 + samples_ms);
}

TEST_CASE("inputs switch in place at the samples asked for", "[burst]") {
  const Problem problem = small_problem();
  Stage stage;
  stage.prepare(problem);
  BurstRequest request = burst_of(1, 6);
  request.switch_before = {2, 5};
  CHECK(stage.session.handle(request).last_variant == 0);
  CHECK(stage.testimony().input == first_input(problem, Role::q, 0));
  request.switch_before = {3};
  CHECK(stage.session.handle(request).last_variant == 1);
  CHECK(stage.testimony().input == first_input(problem, Role::q, 1));
  request.first_variant = 1;
  request.switch_before = {0};
  CHECK(stage.session.handle(request).last_variant == 0);
}

TEST_CASE("in mode bwd a switch runs the forward outside of the samples", "[burst]") {
  Stage stage;
  stage.prepare(small_problem(Mode::bwd));
  BurstRequest request = burst_of(2, 4);
  request.switch_before = {1, 3};
  const BurstReply burst = stage.session.handle(request);
  CHECK(burst.samples_ms.size() == 4);
  CHECK(stage.testimony("dq").calls == 2 + 4);
  CHECK(stage.testimony("dq").input == 3.0f);  // one forward to begin with, one per switch
}

TEST_CASE("a pass that fails in a burst ends it with the provider's words", "[burst]") {
  Stage stage;
  stage.prepare(small_problem(), "fail");
  const CallFailure failure = failure_in([&] { stage.session.handle(burst_of(1, 8)); });
  CHECK(failure.outcome == Outcome::execution_failed);
  CHECK(std::string(failure.what()) == "fails on its third call");
  CHECK(stage.channel.phase() == Phase::execute);
}

TEST_CASE("a burst that asks for nothing sensible is refused", "[burst]") {
  Stage stage;
  stage.prepare(small_problem());
  CHECK(failure_in([&] { stage.session.handle(burst_of(1, 0)); }).detail == "bad-burst");
  CHECK(failure_in([&] { stage.session.handle(burst_of(-1, 1)); }).detail == "bad-burst");
}
