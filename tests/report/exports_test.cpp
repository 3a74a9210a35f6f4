#include "report/exports.h"

#include <sqlite3.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "report/figures.h"
#include "report/sqlite_export.h"
#include "support/catch.h"
#include "support/golden.h"
#include "support/scratch.h"

namespace attnbench {
namespace {

Json small_run() {
  return Json{
      {"started_utc", "2026-01-01T00:00:00Z"},
      {"attnbench_version", "0.1.0"},
      {"argv", {"attnbench", "run", "quick"}},
      {"devices", Json::array({{{"device", "cpu"}, {"name", "a CPU"}, {"logical_cpus", 2}}})}};
}

std::vector<Record> identified(std::vector<Record> records) {
  for (Record& record : records) record.trial_id = trial_id(record.trial);
  return records;
}

// One that went well with an option, and one that did not.
std::vector<Record> two_records() {
  const std::vector<Record> records = mixed_records();
  return identified({records[2], records[3]});
}

struct Close {
  void operator()(sqlite3* database) const { sqlite3_close(database); }
};

// The first column of the first row, as text; "NULL" for null.
std::string answer(const std::filesystem::path& file, const std::string& question) {
  sqlite3* opened = nullptr;
  REQUIRE(sqlite3_open(file.c_str(), &opened) == SQLITE_OK);
  const std::unique_ptr<sqlite3, Close> database(opened);
  std::string text;
  const auto keep = [](void* to, int, char** values, char**) {
    *static_cast<std::string*>(to) = values[0] == nullptr ? "NULL" : values[0];
    return 1;
  };
  sqlite3_exec(database.get(), question.c_str(), keep, &text, nullptr);
  INFO(sqlite3_errmsg(database.get()));
  return text;
}

}  // namespace

TEST_CASE("Google Benchmark's JSON has a repetition a sample, and failures outside its list",
          "[report]") {
  check_golden("report/golden/google_benchmark.json",
               google_benchmark_json(small_run(), two_records()));
  const Json root = Json::parse(google_benchmark_json(small_run(), identified(mixed_records())));
  CHECK(root["benchmarks"].size() == 21);
  CHECK(root["context"]["attnbench_failures"].size() == 3);
}

TEST_CASE("NVBench's JSON has a state a trial; one that failed is skipped, with its reason",
          "[report]") {
  check_golden("report/golden/nvbench.json", nvbench_json(small_run(), two_records()));
  const Json root = Json::parse(nvbench_json(small_run(), identified(mixed_records())));
  REQUIRE(root["benchmarks"].size() == 3);
  const Json& flash = root["benchmarks"][1]["states"];
  CHECK(flash[0]["is_skipped"] == false);
  CHECK(flash[1]["is_skipped"] == true);
  CHECK(flash[1]["skip_reason"] == "crashed: the worker died of signal 11 (SIGSEGV) in execute");
  CHECK(flash[1]["summaries"] == Json::array());
}

TEST_CASE("an SQLite export answers what the records hold, names of options included", "[report]") {
  const Scratch scratch;
  std::vector<Record> records = mixed_records();
  records[2].trial.options["Mode'); DROP TABLE trials;--"] = std::string(kHostile);
  records = identified(records);
  const std::filesystem::path file = scratch / "run.db";
  write_sqlite(small_run(), records, {}, file);
  write_sqlite(small_run(), records, {}, file);  // again: replaced, not doubled
  CHECK(answer(file, "SELECT count(*) FROM trials") == "6");
  CHECK(answer(file, "SELECT count(*) FROM samples") == "21");
  CHECK(answer(file,
               "SELECT median_ms FROM trials WHERE provider = 'cpu_flash' AND seqlen_q = 128") ==
        "1.04");
  CHECK(answer(file, "SELECT median_ms FROM trials WHERE outcome = 'crashed'") == "NULL");
  CHECK(answer(file, "SELECT value FROM options WHERE name LIKE 'Mode%'") == kHostile);
  CHECK(answer(file, "SELECT value FROM options WHERE name = 'block_q'") == "64");
  CHECK(answer(file, "SELECT warning FROM warnings") == "wrote 12 bytes to stdout");
  CHECK(answer(file, "SELECT document ->> 'attnbench_version' FROM run") == "0.1.0");
  CHECK_FALSE(std::filesystem::exists(scratch / "run.db.part"));
}

TEST_CASE("an SQLite export that cannot be written is an Error", "[report]") {
  const Scratch scratch;
  CHECK_THROWS_AS(write_sqlite(small_run(), {}, {}, scratch / "nowhere" / "run.db"), Error);
}

}  // namespace attnbench
