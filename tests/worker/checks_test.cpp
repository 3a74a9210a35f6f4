#include "worker/checks.h"

#include "worker/stage.h"

using namespace attnbench;

namespace {

void measure(Stage& stage, const std::string& trial) {
  BurstRequest burst;
  burst.trial_id = trial;
  burst.max_samples = 4;
  stage.session.handle(burst);
}

// A few calls of a witness that does `harm`, then the check. The first call is always harmless.
CheckReply check_after(const std::string& harm) {
  Stage stage;
  stage.prepare(small_problem(), harm);
  stage.session.handle(RunOnceRequest{"t", 0});
  measure(stage, "t");
  return stage.session.handle(CheckRequest{"t"});
}

}  // namespace

TEST_CASE("a clean trial has nothing held against it", "[checks]") {
  const CheckReply reply = check_after("none");
  CHECK(reply.guard_violations.empty());
  CHECK(reply.changed_inputs.empty());
  CHECK_FALSE(reply.late_write);
  CHECK(reply.leaked_bytes == 0);
}

TEST_CASE("writing outside of a tensor or the workspace is found and named", "[checks]") {
  CHECK(check_after("overflow").guard_violations ==
        std::vector<std::string>{"o: 4 bytes after it were overwritten"});
  CHECK(check_after("underflow").guard_violations ==
        std::vector<std::string>{"o: 4 bytes before it were overwritten"});
  const std::vector<std::string> workspace = check_after("workspace").guard_violations;
  CHECK(workspace == std::vector<std::string>{"fwd workspace: 1 bytes after it were overwritten"});
}

TEST_CASE("changing an input is found and named", "[checks]") {
  const CheckReply reply = check_after("mutate");
  CHECK(reply.changed_inputs == std::vector<std::string>{"k"});
  CHECK(reply.guard_violations.empty());
}

TEST_CASE("a trial is not blamed for the harm another did before it", "[checks]") {
  Stage stage;
  stage.prepare(small_problem(), "mutate");
  stage.session.handle(PrepareRequest{"innocent", {}});
  stage.session.handle(RunOnceRequest{"t", 0});
  stage.session.handle(RunOnceRequest{"t", 0});
  stage.session.handle(RunOnceRequest{"innocent", 0});
  CHECK(stage.session.handle(CheckRequest{"innocent"}).changed_inputs.empty());
  CHECK(stage.session.handle(CheckRequest{"t"}).changed_inputs == std::vector<std::string>{"k"});
}

TEST_CASE("what another trial writes after a burst is no late write", "[checks]") {
  Stage stage;
  stage.prepare(small_problem());
  stage.session.handle(PrepareRequest{"other", {{"harm", std::string("fail")}}});
  measure(stage, "t");
  for (int call = 1; call <= 2; ++call) stage.session.handle(RunOnceRequest{"other", 1});
  CHECK_FALSE(stage.session.handle(CheckRequest{"t"}).late_write);
  measure(stage, "t");
  CHECK_THROWS_AS(stage.session.handle(RunOnceRequest{"other", 0}), CallFailure);  // its third
  CHECK_FALSE(stage.session.handle(CheckRequest{"t"}).late_write);
}

TEST_CASE("outputs that change after the pass are a late write", "[checks]") {
  CHECK(check_after("late").late_write);
}

TEST_CASE("memory that grows from call to call is a leak", "[checks]") {
  const CheckReply reply = check_after("leak");
  CHECK(reply.leaked_bytes > 3 << 20);
  CHECK(reply.leaked_bytes < 16 << 20);
}
