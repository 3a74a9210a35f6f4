// `compare` and `merge` on real runs, as their user types them.
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/json.h"
#include "store/run_directory.h"
#include "support/catch.h"
#include "support/scratch.h"
#include "system/run_program.h"

namespace attnbench {
namespace {

namespace fs = std::filesystem;

bool has(const std::string& text, const std::string& part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}

// Two trials of cpu_reference, or that half of them which the filter leaves.
Ended run_two(const Scratch& scratch, const std::string& name, const std::string& filter = "") {
  std::vector<std::string> words = {"run",      "quick",       "--out",       scratch / name,
                                    "-a",       "seqlen=8,16", "-a",          "head_dim=16",
                                    "--effort", "grid",        "--filter",    "mode=fwd",
                                    "--filter", "bias=none",   "--filter",    "causal=none",
                                    "--filter", "kv_heads=4",  "--providers", "cpu_reference"};
  if (!filter.empty()) words.insert(words.end(), {"--filter", filter});
  return run_program(scratch.path(), words);
}

// Every time of a run, five times as long.
void slow_down(const fs::path& run) {
  const RecordSet set = read_records(run / kResultsFile);
  std::string text;
  for (Record record : set.records()) {
    for (double& sample : record.samples_ms) sample *= 5.0;
    text += dump_json(to_json(record, Sentinels{})) + "\n";
  }
  replace_file(run / kResultsFile, text);
}

void change(const fs::path& run, const std::string& from, const std::string& to) {
  std::string text = read_file(run / kRunFile);
  const size_t place = text.find(from);
  REQUIRE(place != std::string::npos);
  replace_file(run / kRunFile, text.replace(place, from.size(), to));
}

}  // namespace

TEST_CASE("compare finds a run that became slower, and can make that an exit code", "[system]") {
  const Scratch scratch;
  const Ended ended = run_two(scratch, "old");
  INFO(ended.err);
  REQUIRE(ended.exit_code == 0);
  fs::copy(scratch / "old", scratch / "new", fs::copy_options::recursive);
  const std::vector<std::string> words = {"compare", scratch / "old", scratch / "new",
                                          "--fail-on-regression"};
  const Ended same = run_program(scratch.path(), words);
  INFO(same.err);
  CHECK(same.exit_code == 0);
  CHECK(has(same.out, "geometric mean of 2 of 2 rows"));

  slow_down(scratch / "new");
  const Ended plain = run_program(scratch.path(), {"compare", scratch / "old", scratch / "new"});
  CHECK(plain.exit_code == 0);
  CHECK(has(plain.out, "2 rows: 2 SLOWER"));
  std::vector<std::string> all = words;
  all.insert(all.end(), {"--json", scratch / "c.json", "--html", scratch / "c.html"});
  const Ended slower = run_program(scratch.path(), all);
  CHECK(slower.exit_code == 3);
  CHECK(has(slower.err, "2 of 2 rows are regressions"));
  const Json json = parse_json(read_file(scratch / "c.json"), "c.json");
  CHECK(json["counts"]["SLOWER"] == 2);
  CHECK(json["geometric_mean"]["ratio"].get<double>() == Approx(5.0));
  CHECK(has(read_file(scratch / "c.html"), "SLOWER"));
}

TEST_CASE("compare refuses runs of different conditions unless told", "[system]") {
  const Scratch scratch;
  REQUIRE(run_two(scratch, "old").exit_code == 0);
  fs::copy(scratch / "old", scratch / "new", fs::copy_options::recursive);
  change(scratch / "new", "\"cache\": \"cold\"", "\"cache\": \"warm\"");
  const Ended refused = run_program(scratch.path(), {"compare", scratch / "old", scratch / "new"});
  CHECK(refused.exit_code == 2);
  CHECK(has(refused.err, "cache is cold here, warm there"));
  CHECK(has(refused.err, "--anyway"));
  const Ended told =
      run_program(scratch.path(), {"compare", scratch / "old", scratch / "new", "--anyway"});
  CHECK(told.exit_code == 0);
  CHECK(has(told.err, "warning:"));
  const Ended unknown = run_program(
      scratch.path(), {"compare", scratch / "old", "--providers", "cpu_referense,cpu_reference"});
  CHECK(unknown.exit_code == 2);
  CHECK(has(unknown.err, "did you mean \"cpu_reference\"?"));
}

TEST_CASE("pieces of a plan become one run, and what is missing is listed", "[system]") {
  const Scratch scratch;
  REQUIRE(run_two(scratch, "short", "seqlen_q=8 ").exit_code == 0);
  REQUIRE(run_two(scratch, "long", "-seqlen_q=8 ").exit_code == 0);
  const Ended merged = run_program(
      scratch.path(), {"merge", scratch / "short", scratch / "long", "--out", scratch / "all"});
  INFO(merged.err);
  CHECK(merged.exit_code == 0);
  CHECK(has(merged.out, "2 of 2 trials in"));
  CHECK(read_run(scratch / "all")["status"] == "finished");
  CHECK(run_program(scratch.path(), {"report", scratch / "all"}).exit_code == 0);

  // The same half twice: the other is missing, and can be measured where the pieces were joined.
  fs::copy(scratch / "short", scratch / "again", fs::copy_options::recursive);
  change(scratch / "again", "\\\"seqlen_q=8 \\\"", "\\\"seqlen_q=16 \\\"");
  const Ended half = run_program(
      scratch.path(), {"merge", scratch / "short", scratch / "again", "--out", scratch / "half"});
  INFO(half.err);
  CHECK(half.exit_code == 0);
  CHECK(has(half.out, "1 of 2 trials are missing"));
  const Ended resumed = run_program(scratch.path(), {"run", "--resume", scratch / "half"});
  INFO(resumed.err);
  CHECK(resumed.exit_code == 0);
  CHECK(lines_in(scratch / "half" / kResultsFile) == 2);
}

TEST_CASE("pieces of two plans are refused with what to do", "[system]") {
  const Scratch scratch;
  REQUIRE(run_two(scratch, "one").exit_code == 0);
  fs::copy(scratch / "one", scratch / "other", fs::copy_options::recursive);
  change(scratch / "other", "values = [8, 16]", "values = [8, 32]");
  const Ended refused = run_program(
      scratch.path(), {"merge", scratch / "one", scratch / "other", "--out", scratch / "all"});
  CHECK(refused.exit_code == 2);
  CHECK(has(refused.err, "is of another plan"));
  CHECK(has(refused.err, "--filter"));
  CHECK_FALSE(fs::exists(scratch / "all"));
}

}  // namespace attnbench
