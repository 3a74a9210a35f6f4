#include "store/record_set.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "sample_record.h"
#include "support/catch.h"
#include "support/scratch.h"

using namespace attnbench;

namespace {

std::string line_of(const Record& record) {
  return dump_json(to_json(record, Sentinels{})) + "\n";
}

RecordSet read_text(const std::string& text) {
  const Scratch scratch;
  replace_file(scratch / "results.jsonl", text);
  return read_records(scratch / "results.jsonl");
}

}  // namespace

TEST_CASE("records are read in order and found by their trial's id", "[record_set]") {
  const RecordSet set = read_text(line_of(sample_record(1)) + line_of(sample_record(2)));
  REQUIRE(set.records().size() == 2);
  CHECK(set.records()[1].trial.problem.seqlen_q == 2);
  CHECK(set.find(sample_record(2).trial_id) == &set.records()[1]);
  CHECK(set.find("no such id") == nullptr);
  CHECK(set.warnings().empty());
}

TEST_CASE("a torn last line is passed over and told, at every length", "[record_set]") {
  const std::string whole = line_of(sample_record(1));
  const std::string torn = line_of(sample_record(2));
  for (size_t length = 1; length < torn.size(); length += 37) {
    const RecordSet set = read_text(whole + torn.substr(0, length));
    CHECK(set.records().size() == 1);
    REQUIRE(set.warnings().size() == 1);
    CHECK_THAT(set.warnings()[0], Catch::Contains("results.jsonl:2: torn last line"));
  }
  // All but the line break: torn too, since the break is what says that the write was complete.
  CHECK(read_text(whole + torn.substr(0, torn.size() - 1)).records().size() == 1);
}

TEST_CASE("of a trial that is there twice the last record counts, in the first one's place",
          "[record_set]") {
  const RecordSet set = read_text(line_of(sample_record(1, 0.5)) + line_of(sample_record(2)) +
                                  line_of(sample_record(1, 0.25)));
  REQUIRE(set.records().size() == 2);
  CHECK(set.records()[0].samples_ms[0] == 0.25);
  REQUIRE(set.warnings().size() == 1);
  CHECK_THAT(set.warnings()[0], Catch::Contains("results.jsonl:3: trial") &&
                                    Catch::Contains(sample_record(1).trial_id));
}

TEST_CASE("a line that is no record costs none of the others", "[record_set]") {
  const std::string zeros(20, '\0');
  const RecordSet set = read_text("{\"not\": \"a record\"}\n" + line_of(sample_record(1)) + zeros +
                                  "\n\n" + line_of(sample_record(2)));
  CHECK(set.records().size() == 2);
  REQUIRE(set.warnings().size() == 3);
  CHECK_THAT(set.warnings()[0], Catch::Contains("results.jsonl:1: no record, passed over"));
  CHECK_THAT(set.warnings()[1], Catch::Contains("results.jsonl:3:"));
}

TEST_CASE("an empty file has no records, a missing one is an error", "[record_set]") {
  CHECK(read_text("").records().empty());
  CHECK_THROWS_AS(read_records("/nonexistent/results.jsonl"), Error);
}
