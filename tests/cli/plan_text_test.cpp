#include "cli/plan_text.h"

#include "support/catch.h"
#include "sweep/parse.h"

namespace attnbench {
namespace {

constexpr std::string_view kSweep = R"(
description = "two lengths"
[problem]
mode = "fwd"
batch = 2
heads = 4
head_dim = 64
dtype = "fp16"
[[axis]]
name = "seqlen"
values = [64, 128]
[[provider]]
id = "cpu_reference"
[plot]
x = "seqlen"
name = "all"
)";

Plan plan_of(Effort effort) {
  Sweep sweep = parse_sweep(kSweep, "two.toml");
  sweep.measure.effort = effort;
  return expand(sweep, {}, {"cpu"});
}

}  // namespace

TEST_CASE("a dry run tells plots, points, trials, lines, memory and time", "[cli]") {
  const Plan plan = plan_of(Effort::normal);
  const std::string text = plan_text(plan, estimate_cost(plan, 2), uint64_t{1} << 30);
  CHECK(text.find("two: two lengths\n1 plots, 2 points, 2 distinct trials in 2 cases\n") == 0);
  CHECK(text.find("  cpu_reference on cpu (not installed") != std::string::npos);
  CHECK(text.find("the CPU has 1.0 GiB free") != std::string::npos);
  CHECK(text.find("time: ") != std::string::npos);
}

TEST_CASE("the cost of a plan is its largest problem and the sum of its trials", "[cli]") {
  const PlanCost grid = estimate_cost(plan_of(Effort::grid), 2);
  const PlanCost headline = estimate_cost(plan_of(Effort::headline), 2);
  REQUIRE(grid.largest);
  CHECK(grid.largest->seqlen_q == 128);
  CHECK(grid.largest_bytes > 0.0);
  CHECK(grid.low_seconds > 0.0);
  CHECK(grid.low_seconds <= grid.high_seconds);
  CHECK(headline.high_seconds > 2.0 * grid.high_seconds);
}

}  // namespace attnbench
