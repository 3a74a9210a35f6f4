// The torture of --resume: a sweep whose host is killed again and again, at moments that nobody
// chose, ends with exactly the trials of a run that was left alone, each once.
#include <csignal>

#include <chrono>
#include <fstream>
#include <random>
#include <set>
#include <thread>

#include "base/file.h"
#include "store/record_set.h"
#include "store/run_directory.h"
#include "support/catch.h"
#include "support/scratch.h"
#include "system/run_program.h"

namespace attnbench {
namespace {

namespace fs = std::filesystem;

constexpr int kKills = 100;
constexpr unsigned kSeed = 20261123;  // fixed: a failure can be looked at again

std::vector<std::string> small_sweep(const fs::path& out) {
  return {"run",      "quick",    "--out",       out.string(),   "-a",       "seqlen=4,8",
          "-a",       "heads=4",  "-a",          "head_dim=8",   "--effort", "grid",
          "--filter", "mode=fwd", "--providers", "cpu_reference"};
}

std::vector<std::string> ids_in(const fs::path& results) {
  std::vector<std::string> ids;
  const RecordSet set = read_records(results);
  for (const Record& record : set.records()) ids.push_back(record.trial_id);
  return ids;
}

}  // namespace

TEST_CASE("killed at 100 random moments, a resumed run ends as one left alone", "[system][slow]") {
  const Scratch scratch;
  const fs::path whole = scratch / "whole";
  const auto start = std::chrono::steady_clock::now();
  REQUIRE(run_program(scratch.path(), small_sweep(whole)).exit_code == 0);
  const std::chrono::duration<double> whole_run = std::chrono::steady_clock::now() - start;
  const std::vector<std::string> expected = ids_in(whole / kResultsFile);
  REQUIRE(expected.size() == 8);

  std::mt19937 random(kSeed);
  std::uniform_real_distribution<double> moment(0.0, 0.7 * whole_run.count());
  const fs::path out = scratch / "killed";
  int kills = 0, runs_ended = 0, torn_lines = 0, half_runs = 0;
  while (kills < kKills) {
    const bool can_resume = fs::exists(out / kRunFile);
    // Killed between making the directory and its run.json: nothing was measured yet.
    if (!can_resume) fs::remove_all(out);
    Program program(scratch.path(), can_resume
                                        ? std::vector<std::string>{"run", "--resume", out.string()}
                                        : small_sweep(out));
    std::this_thread::sleep_for(std::chrono::duration<double>(moment(random)));
    program.signal(SIGKILL);
    const Ended ended = program.wait();
    CHECK((ended.exit_code == 128 + SIGKILL || ended.exit_code == 0));
    ++kills;
    if (!fs::exists(out / kRunFile)) continue;

    // A kill seldom falls into the middle of a write, so every fourth time we tear a line
    // ourselves.
    if (kills % 4 == 0) {
      const std::string line = read_file(whole / kResultsFile);
      std::ofstream(out / kResultsFile, std::ios::app)
          << line.substr(0, 1 + random() % (line.find('\n') - 1));
      ++torn_lines;
    }
    const size_t recorded = ids_in(out / kResultsFile).size();
    half_runs += recorded > 0 && recorded < expected.size() ? 1 : 0;
    if (recorded < expected.size() && kills < kKills) continue;

    const Ended last = run_program(scratch.path(), {"run", "--resume", out.string()});
    INFO(last.err);
    CHECK(last.exit_code == 0);
    const std::vector<std::string> got = ids_in(out / kResultsFile);
    CHECK(lines_in(out / kResultsFile) == expected.size());
    CHECK(std::set<std::string>(got.begin(), got.end()) ==
          std::set<std::string>(expected.begin(), expected.end()));
    CHECK(read_records(out / kResultsFile).warnings().empty());
    ++runs_ended;
    fs::remove_all(out);
  }
  // The test means something only if kills did fall between records.
  CHECK(runs_ended >= 1);
  CHECK(half_runs >= 10);
  CHECK(torn_lines >= 10);
}

}  // namespace attnbench
