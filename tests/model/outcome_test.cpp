#include "model/outcome.h"

#include <attnbench/provider.h>

#include <set>

#include "base/error.h"
#include "support/catch.h"

using namespace attnbench;

TEST_CASE("each outcome has its own spelling and is found by it", "[outcome]") {
  std::set<std::string_view> texts;
  for (const OutcomeTraits& traits : all_outcomes()) {
    CHECK(outcome_from_text(to_text(traits.outcome)) == traits.outcome);
    texts.insert(traits.text);
  }
  CHECK(texts.size() == 18);
  try {
    outcome_from_text("time_out");
    FAIL("took a misspelt outcome");
  } catch (const Error& error) {
    CHECK(error.line() == "unknown outcome \"time_out\" -- did you mean \"timed_out\"?");
  }
}

TEST_CASE("failures of execution show 100, failures before it 300, ok the median", "[outcome]") {
  const Sentinels seed;
  const std::set<Outcome> before = {Outcome::load_failed,      Outcome::init_failed,
                                    Outcome::compile_failed,   Outcome::unsupported,
                                    Outcome::invalid_argument, Outcome::quarantined,
                                    Outcome::not_run};
  for (const OutcomeTraits& traits : all_outcomes()) {
    const double expected = traits.outcome == Outcome::ok  ? 1.25
                            : before.count(traits.outcome) ? 300.0
                                                           : 100.0;
    CHECK(sentinel_ms(traits.outcome, 1.25, seed) == expected);
  }
  CHECK(sentinel_ms(Outcome::crashed, 0, {7, 9}) == 7);
  CHECK(sentinel_ms(Outcome::unsupported, 0, {7, 9}) == 9);
}

TEST_CASE("only what is an answer leaves the exit code 0", "[outcome]") {
  std::set<Outcome> answers;
  for (const OutcomeTraits& traits : all_outcomes()) {
    if (traits.is_answer) answers.insert(traits.outcome);
  }
  CHECK(answers == std::set<Outcome>{Outcome::ok, Outcome::unsupported, Outcome::out_of_memory,
                                     Outcome::resource_exhausted});
}

TEST_CASE("a status becomes an outcome by its class alone", "[outcome]") {
  CHECK(outcome_of_status(ATTN_OK) == Outcome::ok);
  CHECK(outcome_of_status(ATTN_UNSUPPORTED_DTYPE) == Outcome::unsupported);
  CHECK(outcome_of_status(1999) == Outcome::unsupported);  // a detail of a later minor
  CHECK(outcome_of_status(ATTN_INVALID_OPTION) == Outcome::invalid_argument);
  CHECK(outcome_of_status(ATTN_OUT_OF_HOST_MEMORY) == Outcome::out_of_memory);
  CHECK(outcome_of_status(ATTN_RESOURCE_SHARED_MEMORY) == Outcome::resource_exhausted);
  CHECK(outcome_of_status(ATTN_COMPILE_FAILED) == Outcome::compile_failed);
  CHECK(outcome_of_status(ATTN_INIT_FAILED) == Outcome::init_failed);
  CHECK(outcome_of_status(ATTN_EXECUTION_POISONED) == Outcome::execution_failed);
  CHECK(outcome_of_status(ATTN_INTERNAL) == Outcome::internal_error);
}

TEST_CASE("a status that no provider may return is never ok", "[outcome]") {
  CHECK(outcome_of_status(ATTN_HOST_CRASHED) == Outcome::contract_violation);
  CHECK(outcome_of_status(99999) == Outcome::contract_violation);
  CHECK(outcome_of_status(9000) == Outcome::internal_error);
  CHECK(outcome_of_status(19999) == Outcome::internal_error);
  CHECK(outcome_of_status(5) == Outcome::internal_error);
  CHECK(outcome_of_status(-1) == Outcome::internal_error);  // -1 / 1000 is 0 too
  CHECK(outcome_of_status(-4000) == Outcome::internal_error);
}
