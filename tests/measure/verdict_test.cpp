#include "measure/verdict.h"

#include <cmath>

#include "base/error.h"
#include "support/catch.h"

using namespace attnbench;

namespace {

RoleComparison compared(const std::string& role, double max_error, double allowed_error) {
  RoleComparison comparison;
  comparison.role = role;
  comparison.max_error = max_error;
  comparison.allowed_error = allowed_error;
  comparison.rows = 64;
  comparison.batch = 1;
  comparison.head = 3;
  comparison.row = 17;
  comparison.got = 1.25;
  comparison.expected = 0.5;
  return comparison;
}

}  // namespace

TEST_CASE("errors within what is allowed are ok, the limit included", "[verdict]") {
  const std::vector<RoleComparison> right = {compared("o", 0.001, 0.002), compared("lse", 0, 0)};
  const Verdict verdict = judge(right);
  CHECK(verdict.outcome == Outcome::ok);
  CHECK(verdict.detail.empty());
  CHECK(verdict.message.empty());
}

TEST_CASE("a wrong row is shown with what stands there and what should", "[verdict]") {
  const std::vector<RoleComparison> wrong = {compared("o", 0, 1), compared("dq", 0.75, 0.01),
                                             compared("dk", 2, 1), compared("dv", 3, 1)};
  const Verdict verdict = judge(wrong);
  CHECK(verdict.outcome == Outcome::wrong_result);
  CHECK(verdict.detail == "error-too-large");
  CHECK(verdict.message ==
        "dq: row (b 1, h 3, i 17) got 1.25, expected 0.5; error 0.75, allowed 0.01; "
        "wrong too: dk, dv");
}

TEST_CASE("a NaN where none belongs is wrong, whatever the largest error", "[verdict]") {
  RoleComparison comparison = compared("o", 0, 1);
  comparison.has_unexpected_nan = true;
  const Verdict verdict = judge({&comparison, 1});
  CHECK(verdict.outcome == Outcome::wrong_result);
  CHECK(verdict.detail == "unexpected-nan");
  CHECK(verdict.message == "o: row (b 1, h 3, i 17) is NaN, expected 0.5");
}

TEST_CASE("an error that is no number is wrong", "[verdict]") {
  const RoleComparison errors[] = {compared("o", NAN, 1), compared("o", 0.1, NAN),
                                   compared("o", INFINITY, 1)};
  for (const RoleComparison& comparison : errors) {
    CHECK(judge({&comparison, 1}).outcome == Outcome::wrong_result);
  }
}

TEST_CASE("nothing compared is no proof", "[verdict]") {
  CHECK_THROWS_AS(judge({}), Error);
  RoleComparison nothing = compared("o", 0, 1);
  nothing.rows = 0;
  CHECK_THROWS_AS(judge({&nothing, 1}), Error);
}
