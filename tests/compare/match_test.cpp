#include "compare/match.h"

#include "base/error.h"
#include "compare/records.h"
#include "support/catch.h"

using namespace attnbench;

TEST_CASE("trials of two runs are matched by what they are, not by where they stand", "[compare]") {
  const std::vector<Record> base = {timed("a", 1, {1.0}), timed("a", 2, {1.0})};
  const std::vector<Record> contender = {timed("a", 3, {1.0}), timed("a", 2, {1.0})};
  const std::vector<TrialPair> pairs = same_trials(base, contender);
  REQUIRE(pairs.size() == 3);
  CHECK((pairs[0].base == &base[0] && pairs[0].contender == nullptr));
  CHECK((pairs[1].base == &base[1] && pairs[1].contender == &contender[1]));
  CHECK((pairs[2].base == nullptr && pairs[2].contender == &contender[0]));
}

TEST_CASE("two providers are matched by problem, and by the options that both have", "[compare]") {
  std::vector<Record> records;
  for (const char* provider : {"x", "y"}) {
    for (const int64_t block : {64, 128}) {
      records.push_back(timed(provider, 1, {1.0}, {{"block", block}}));
    }
  }
  records.push_back(timed("plain", 1, {1.0}));
  const std::vector<TrialPair> blocks = same_cases(records, {"x", {}}, records, {"y", {}});
  REQUIRE(blocks.size() == 2);
  CHECK((blocks[0].base == &records[0] && blocks[0].contender == &records[2]));
  CHECK((blocks[1].base == &records[1] && blocks[1].contender == &records[3]));
  // A provider without blocks meets each.
  CHECK(same_cases(records, {"plain", {}}, records, {"y", {}}).size() == 2);
}

TEST_CASE("a line's options may be named, and then need not agree", "[compare]") {
  const std::vector<Record> records = {timed("x", 1, {1.0}, {{"block", int64_t{64}}}),
                                       timed("x", 1, {1.0}, {{"block", int64_t{128}}}),
                                       timed("x", 1, {1.0})};
  const std::vector<TrialPair> two = same_cases(records, line_name_from_text("x:block=64"), records,
                                                line_name_from_text("x:block=128"));
  REQUIRE(two.size() == 1);
  CHECK((two[0].base == &records[0] && two[0].contender == &records[1]));
  // All others of x, and never a trial with itself.
  const std::vector<TrialPair> rest =
      same_cases(records, line_name_from_text("x:block=64"), records, line_name_from_text("x"));
  REQUIRE(rest.size() == 2);
  CHECK(rest[0].contender == &records[1]);
  CHECK(rest[1].contender == &records[2]);
}

TEST_CASE("a problem that only one of two providers has is a row with one side", "[compare]") {
  const std::vector<Record> records = {timed("x", 1, {1.0}), timed("y", 2, {1.0})};
  const std::vector<TrialPair> pairs = same_cases(records, {"x", {}}, records, {"y", {}});
  REQUIRE(pairs.size() == 2);
  CHECK(pairs[0].contender == nullptr);
  CHECK(pairs[1].base == nullptr);
}

TEST_CASE("a misspelt line is refused with its form", "[compare]") {
  for (const char* text : {"x:block", "x:=4", ":a=b", ""}) {
    CHECK_THROWS_AS(line_name_from_text(text), Error);
  }
}

TEST_CASE("only trials that began their case together took turns", "[compare]") {
  Record one = timed("x", 1, {1.0});
  Record other = timed("y", 1, {1.0});
  one.started_utc = "2026-01-31T23:59:59Z";
  other.started_utc = "2026-02-01T00:00:00Z";  // the second turned while the case began
  CHECK(took_turns(one, other));
  other.started_utc = "2026-02-01T00:10:00Z";
  CHECK_FALSE(took_turns(one, other));
  other.started_utc = one.started_utc;
  other.interleaved = false;
  CHECK_FALSE(took_turns(one, other));
  one.started_utc = other.started_utc = "";
  other.interleaved = true;
  CHECK_FALSE(took_turns(one, other));
}
