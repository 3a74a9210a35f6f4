#include "report/summary.h"

#include "base/text.h"
#include "report/records.h"
#include "report/rows.h"
#include "support/catch.h"
#include "support/golden.h"

namespace attnbench {

TEST_CASE("the summary of a mixed run reads as its golden file", "[report]") {
  check_golden("report/golden/mixed.txt", run_summary(mixed_records(), {}));
}

TEST_CASE("the summary fits a terminal of 60 columns", "[report]") {
  const TerminalStyle narrow{60, false};
  check_golden("report/golden/mixed_60_columns.txt", results_table(mixed_records(), narrow));
  const std::string table = results_table(mixed_records(), narrow);
  for (const std::string& line : split(table.substr(table.find('\n') + 1), '\n')) {
    INFO(line);
    CHECK(display_width(line) <= 60);
  }
}

TEST_CASE("the summary in colours reads as its golden file", "[report]") {
  check_golden("report/golden/mixed_color.txt", run_summary(mixed_records(), {0, true}));
}

TEST_CASE("harness efficiency is said with the seconds that it comes from", "[report]") {
  CHECK(harness_text({42.6, 60.0}) ==
        "harness efficiency 0.71: 42.6 s of 60.0 s in heat-ups, warm-ups and bursts\n");
  CHECK(harness_text({0.0, 0.0}).empty());
}

TEST_CASE("what all records share stands above the table, what differs is a column", "[report]") {
  std::vector<Record> records = {ok_record("a", 64, {1}), ok_record("a", 64, {1})};
  records[1].trial.problem.seqlen_kv = 128;
  records[1].trial.problem.kv_heads = 2;
  const AxisSplit split = split_axes(records);
  REQUIRE(split.varying.size() == 2);
  CHECK(split.varying[0].name == "kv_heads");
  CHECK(split.varying[1].name == "seqlen_kv");
  CHECK(split.varying[1].values == std::vector<std::string>{"64", "128"});
  CHECK(split.common ==
        "fwd fp16 batch=1 heads=8 seqlen_q=64 head_dim=64 the seed's inputs on cpu");
}

TEST_CASE("rivals of one case stand together, in the order in which cases came", "[report]") {
  const std::vector<Record> records =
      grouped_by_case({ok_record("a", 64, {1}), ok_record("a", 32, {1}), ok_record("b", 64, {1})});
  REQUIRE(records.size() == 3);
  CHECK(records[0].trial.provider == "a");
  CHECK(records[1].trial.provider == "b");
  CHECK(records[2].trial.problem.seqlen_q == 32);
}

TEST_CASE("like failures are told once, faults before answers, ten kinds at most", "[report]") {
  std::vector<Record> records;
  for (int i = 0; i < 3; ++i) {
    records.push_back(failed_record("a", 64 + i, Outcome::unsupported, "", "no bf16"));
  }
  for (int i = 0; i < 11; ++i) {
    records.push_back(
        failed_record("b", 64 + i, Outcome::timed_out, "", "no answer #" + std::to_string(i)));
  }
  const std::string text = first_failures(records, {});
  CHECK(split(text, '\n')[0] == "14 not measured:");
  CHECK(text.find("no answer #0\n") != std::string::npos);
  CHECK(text.find("no answer #9\n") != std::string::npos);
  CHECK(text.find("no answer #10\n") == std::string::npos);
  CHECK(text.find("no bf16") == std::string::npos);
  CHECK(text.find("2 more kinds") != std::string::npos);
  CHECK(first_failures({ok_record("a", 64, {1})}, {}).empty());

  records.erase(records.begin() + 3, records.end());
  CHECK(first_failures(records, {}).find("and 2 more like it") != std::string::npos);
}

TEST_CASE("a long table stops and says where the rest is", "[report]") {
  std::vector<Record> records;
  for (int i = 0; i < 250; ++i) records.push_back(ok_record("a", 64 + i, {1.0}));
  const std::string table = results_table(records, {});
  CHECK(table.find("... and 50 more rows, in results.jsonl\n") != std::string::npos);
}

TEST_CASE("an answer leaves the exit code alone, a fault does not", "[report]") {
  CHECK_FALSE(has_fault({ok_record("a", 64, {1.0})}));
  for (const OutcomeTraits& traits : all_outcomes()) {
    if (traits.outcome == Outcome::ok) continue;
    INFO(traits.text);
    const std::vector<Record> records = {failed_record("a", 64, traits.outcome, "", "")};
    const bool is_answer = traits.outcome == Outcome::unsupported ||
                           traits.outcome == Outcome::resource_exhausted ||
                           traits.outcome == Outcome::out_of_memory;
    CHECK(has_fault(records) == !is_answer);
  }
}

}  // namespace attnbench
