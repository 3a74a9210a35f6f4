// The program from end to end, with the real worker and cpu_reference.
#include <csignal>

#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/file.h"
#include "base/text.h"
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

}  // namespace

TEST_CASE("run measures a sweep, prints its table and leaves a run directory", "[system]") {
  const Scratch scratch;
  const fs::path out = scratch / "run";
  const Ended ended = run_program(scratch.path(), tiny_run(out));
  INFO(ended.err);
  CHECK(ended.exit_code == 0);
  CHECK(has(ended.out, "median ms"));
  CHECK(has(ended.out, "8 trials: 8 ok"));
  CHECK(has(ended.out, "cpu_reference"));
  CHECK(has(ended.err, "[8/8] cpu_reference"));
  CHECK(ended.out.find('\x1b') == std::string::npos);

  const RecordSet set = read_records(out / kResultsFile);
  CHECK(set.warnings().empty());
  REQUIRE(set.records().size() == 8);
  for (const Record& record : set.records()) {
    CHECK(record.is_ok());
    CHECK(record.samples_ms.size() >= 6);
    CHECK_FALSE(record.errors.empty());
  }
  const Json run = read_run(out);
  CHECK(run["status"] == "finished");
  CHECK(run["plan"]["trials"] == 8);
  CHECK(run["providers"][0]["sha256"].get<std::string>().size() == 64);
  CHECK(run["devices"][0]["opened"]["threads"].get<int>() >= 1);
}

TEST_CASE("a finished run has nothing left to resume, another sweep may not resume it",
          "[system]") {
  const Scratch scratch;
  const fs::path out = scratch / "run";
  REQUIRE(run_program(scratch.path(), tiny_run(out)).exit_code == 0);
  const std::string before = read_file(out / kResultsFile);

  const Ended again = run_program(scratch.path(), {"run", "--resume", out.string()});
  CHECK(again.exit_code == 0);
  CHECK(has(again.out, "8 trials: 8 ok"));
  CHECK(read_file(out / kResultsFile) == before);

  const Ended other = run_program(scratch.path(), {"run", "quick", "--resume", out.string()});
  CHECK(other.exit_code == 2);
  CHECK(has(other.err, "another sweep"));

  const Ended taken = run_program(scratch.path(), tiny_run(out));
  CHECK(taken.exit_code == 2);
  CHECK(has(taken.err, "is not empty"));
}

TEST_CASE("a dry run prints the seed's grid and measures nothing", "[system]") {
  const Scratch scratch;
  const Ended ended = run_program(scratch.path(), {"run", "mha_full", "--dry-run"});
  CHECK(ended.exit_code == 0);
  CHECK(has(ended.out, "972 plots, 14580 points, "));
  CHECK(has(ended.out, "memory: "));
  CHECK(has(ended.out, "time: "));
  CHECK_FALSE(fs::exists(scratch / "runs"));
}

TEST_CASE("a mistake is one line with what to do, and exit code 2", "[system]") {
  const Scratch scratch;
  const auto complaint = [&scratch](std::vector<std::string> words) {
    words.insert(words.begin(), "run");
    const Ended ended = run_program(scratch.path(), words);
    CHECK(ended.exit_code == 2);
    CHECK(ended.out.empty());
    CHECK(ended.err.starts_with("attnbench: "));
    CHECK(split(ended.err, '\n').size() == 2);
    return ended.err;
  };
  CHECK(has(complaint({"quik"}), "quick"));
  CHECK(has(complaint({"quick", "--providers", "cpu_referense"}), "cpu_reference"));
  CHECK(has(complaint({"quick", "-a", "seqlenn=8"}), "seqlen"));
  CHECK(has(complaint({"quick", "-a", "seqlen=eight"}), "seqlen"));
  CHECK(has(complaint({"quick", "--filter", "("}), "("));
  CHECK(has(complaint({"--resume", (scratch / "nowhere").string()}), "no run directory"));
}

TEST_CASE("a trial of a provider that is not installed is a fault, and the run goes on",
          "[system]") {
  const Scratch scratch;
  std::vector<std::string> words = tiny_run(scratch / "run");
  words.back() = "cudnn_sdpa,cpu_reference";
  const Ended ended = run_program(scratch.path(), words);
  const RecordSet set = read_records(scratch / "run" / kResultsFile);
  size_t ok = 0;
  for (const Record& record : set.records()) ok += record.is_ok() ? 1 : 0;
  CHECK(ok == 8);
  // Where the machine has it, it is no fault of this test.
  if (!has(run_program(scratch.path(), {"list", "providers"}).out, "cudnn_sdpa")) {
    CHECK(ended.exit_code == 1);
    CHECK(has(ended.out, "8 load_failed"));
  }
}

TEST_CASE("Ctrl-C keeps what is finished and gives 130; resume does the rest", "[system]") {
  const Scratch scratch;
  const fs::path out = scratch / "run";
  for (const int signal : {SIGINT, SIGTERM}) {
    fs::remove_all(out);
    Program program(scratch.path(), tiny_run(out));
    for (int tries = 0; tries < 3000 && lines_in(out / kResultsFile) < 2; ++tries) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    program.signal(signal);
    const Ended ended = program.wait();
    INFO(ended.err);
    CHECK(ended.exit_code == 130);
    CHECK(has(ended.err, "--resume"));
    const size_t kept = lines_in(out / kResultsFile);
    CHECK(kept >= 2);
    CHECK(kept < 8);
    CHECK(read_run(out)["status"] == "stopped");

    CHECK(run_program(scratch.path(), {"run", "--resume", out.string()}).exit_code == 0);
    CHECK(read_records(out / kResultsFile).records().size() == 8);
    CHECK(lines_in(out / kResultsFile) == 8);
    CHECK(read_run(out)["resumed"].size() == 1);
  }
}

TEST_CASE("the run directory may not be taken by two runs", "[system]") {
  const Scratch scratch;
  const fs::path out = scratch / "run";
  Program first(scratch.path(), tiny_run(out));
  for (int tries = 0; tries < 3000 && !fs::exists(out / kRunFile); ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  const Ended second = run_program(scratch.path(), {"run", "--resume", out.string()});
  CHECK(second.exit_code == 2);
  CHECK(has(second.err, "in use by another"));
  CHECK(first.wait().exit_code == 0);
}

}  // namespace attnbench
