// `report` and `repro` on a real run, as its user types them.
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "store/record_set.h"
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

// A run of two trials.
Ended run_of_two(const Scratch& scratch, const std::vector<std::string>& variables = {}) {
  return run_program(scratch.path(),
                     {"run",      "quick",       "--out",       (scratch / "run").string(),
                      "-a",       "seqlen=8,16", "-a",          "head_dim=16",
                      "--effort", "grid",        "--filter",    "mode=fwd",
                      "--filter", "bias=none",   "--filter",    "causal=none",
                      "--filter", "kv_heads=4",  "--providers", "cpu_reference"},
                     variables);
}

constexpr const char* kPlot = "mode=fwd-bias=False-causal=none-kv_heads=4";

}  // namespace

TEST_CASE("a finished run has its report, and `report` makes it again", "[system]") {
  const Scratch scratch;
  const Ended ended = run_of_two(scratch);
  INFO(ended.err);
  REQUIRE(ended.exit_code == 0);
  const fs::path folder = scratch / "run" / kReportFolder;
  CHECK(has(ended.out, (folder / "index.html").string()));
  const std::string csv = read_file(folder / (std::string(kPlot) + ".csv"));
  CHECK(csv.find("seqlen,cpu_reference\n8.000000,") == 0);
  CHECK(fs::exists(folder / (std::string(kPlot) + ".png")));

  fs::remove_all(folder);
  const std::string summary = read_file(scratch / "run" / "summary.csv");
  const Ended again = run_program(scratch.path(), {"report", (scratch / "run").string()});
  INFO(again.err);
  CHECK(again.exit_code == 0);
  CHECK(read_file(folder / (std::string(kPlot) + ".csv")) == csv);
  CHECK(read_file(scratch / "run" / "summary.csv") == summary);

  const Ended table = run_program(scratch.path(), {"report", (scratch / "run").string(), "--md"});
  CHECK(table.exit_code == 0);
  CHECK(has(table.out, "| provider | seqlen | median ms |"));
  CHECK(has(table.out, "2 trials: 2 ok"));
}

TEST_CASE("a run is exported for other tools, and opened where there is a browser", "[system]") {
  const Scratch scratch;
  REQUIRE(run_of_two(scratch).exit_code == 0);
  const std::string run = (scratch / "run").string();
  fs::remove_all(scratch / "run" / kReportFolder);
  const auto file = [&scratch](const char* name) { return (scratch / name).string(); };
  const Ended exported =
      run_program(scratch.path(), {"report", run, "--sqlite", file("run.db"), "--nvbench",
                                   file("nv.json"), "--google-benchmark", file("gb.json")});
  INFO(exported.err);
  CHECK(exported.exit_code == 0);
  CHECK(read_file(scratch / "run.db").starts_with("SQLite format 3"));
  CHECK(Json::parse(read_file(scratch / "nv.json"))["benchmarks"][0]["states"].size() == 2);
  CHECK_FALSE(Json::parse(read_file(scratch / "gb.json"))["benchmarks"].empty());
  CHECK_FALSE(fs::exists(scratch / "run" / kReportFolder));
  CHECK(run_program(scratch.path(), {"report", run, "--sqlite", "/nowhere/run.db"}).exit_code != 0);

  const fs::path opener = scratch / "xdg-open";
  replace_file(opener, "#!/bin/sh\necho \"$1\" >\"$HOME/opened\"\n");
  fs::permissions(opener, fs::perms::owner_all);
  const Ended opened = run_program(scratch.path(), {"report", run, "--open"},
                                   {"PATH=" + scratch.path().string() + ":/bin"});
  INFO(opened.err);
  CHECK(has(read_file(scratch / "opened"), run + "/report/index.html"));
  const Ended alone = run_program(scratch.path(), {"report", run, "--open"}, {"PATH=/nowhere"});
  CHECK(alone.exit_code == 0);
  CHECK(has(alone.err, "xdg-open is not installed"));
}

TEST_CASE("a run whose report cannot be written is a finished run with a warning", "[system]") {
  const Scratch scratch;
  const Ended ended = run_of_two(scratch, {"PATH=/nowhere"});
  CHECK(ended.exit_code == 0);
  CHECK(has(ended.err, "apt-get install gnuplot-nox"));
  CHECK(fs::exists(scratch / "run" / kReportFolder / "results.html"));
}

TEST_CASE("repro runs one trial again and leaves the run as it was", "[system]") {
  const Scratch scratch;
  REQUIRE(run_of_two(scratch).exit_code == 0);
  const fs::path run = scratch / "run";
  const std::string before = read_file(run / kResultsFile);
  const std::string id = read_records(run / kResultsFile).records().front().trial_id;

  const Ended ended = run_program(scratch.path(), {"repro", id.substr(0, 8), run.string()});
  INFO(ended.err);
  CHECK(ended.exit_code == 0);
  CHECK(has(ended.out, id));
  CHECK(has(ended.out, "the median moved by"));
  CHECK(read_file(run / kResultsFile) == before);

  const Ended profile = run_program(scratch.path(), {"repro", id, run.string(), "--profile"});
  INFO(profile.err);
  CHECK(profile.exit_code == 0);
  CHECK(has(profile.out, "one call: "));
  CHECK(has(profile.out, "perf record -g -- "));

  CHECK(run_program(scratch.path(), {"repro", "nothing", run.string()}).exit_code == 2);
  CHECK(has(run_program(scratch.path(), {"repro", "", run.string()}).err, "which trial"));
}

}  // namespace attnbench
