#include <numeric>

#include "worker/stage.h"

using namespace attnbench;

namespace {

BurstRequest bench_of(Protocol protocol, int first_variant) {
  BurstRequest request;
  request.trial_id = std::string("t");  // from a literal gcc 12 warns falsely (PR 105651)
  request.protocol = protocol;
  request.first_variant = first_variant;
  return request;
}

}  // namespace

TEST_CASE("do_bench counts its calls from an estimate of five", "[do_bench]") {
  const Problem problem = small_problem();
  Stage stage;
  stage.prepare(problem);
  const BurstReply burst = stage.session.handle(bench_of(Protocol::do_bench, 1));
  const int samples = static_cast<int>(burst.samples_ms.size());
  CHECK(samples >= 1);
  CHECK(burst.warmup_calls >= 1);
  CHECK(burst.calls_per_sample == 1);
  CHECK(stage.testimony().calls == 1 + 5 + burst.warmup_calls + samples);
  CHECK(burst.last_variant == 1);
  CHECK(stage.testimony().input == first_input(problem, Role::q, 1));
  for (const double sample_ms : burst.samples_ms) CHECK(sample_ms > 0.0);
  CHECK(burst.busy_ms >= std::accumulate(burst.samples_ms.begin(), burst.samples_ms.end(), 0.0));
}

TEST_CASE("do_bench's memory is no leak of the provider's", "[do_bench]") {
  Stage stage;
  stage.prepare(small_problem());
  for (int i = 0; i < 2; ++i) stage.session.handle(bench_of(Protocol::do_bench, 0));
  CHECK(stage.session.handle(CheckRequest{"t"}).leaked_bytes == 0);
}

TEST_CASE("a plan that is not graph safe cannot be measured in a graph", "[do_bench]") {
  Stage stage;
  stage.prepare(small_problem());
  const CallFailure failure =
      failure_in([&] { stage.session.handle(bench_of(Protocol::do_bench_cudagraph, 0)); });
  CHECK(failure.outcome == Outcome::unsupported);
  CHECK(failure.detail == "not-graph-safe");
}
