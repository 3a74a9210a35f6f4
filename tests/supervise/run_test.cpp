// The engine with real workers and bad guests: what each rule that a guest breaks comes to.
#include "supervise/run.h"

#include <unistd.h>
#include <csignal>

#include <algorithm>
#include <set>
#include <tuple>

#include "base/error.h"
#include "base/file.h"
#include "guest_house.h"
#include "support/catch.h"

using namespace attnbench;

namespace {

struct Stay {
  Scratch scratch;
  RunSettings settings = quick_run(scratch.path());
  std::vector<ProviderInfo> providers = guests_and_reference(scratch.path());
  Witness witness;
  std::atomic<bool> stop = false;

  RunSummary run(const std::vector<Trial>& trials) {
    return attnbench::run(trials, providers, settings, witness, stop);
  }
  // One bad guest between two good ones.
  const Record& ends_as(const std::string& guest, Mode mode = Mode::fwd) {
    run({small_trial("guest_none", 0, mode), small_trial(guest, 0, mode),
         small_trial("cpu_reference", 0, mode)});
    CHECK(witness.records.size() == 3);
    CHECK(witness.of("guest_none").outcome == Outcome::ok);
    CHECK(witness.of("cpu_reference").outcome == Outcome::ok);
    CHECK(has_no_children());
    return witness.of(guest);
  }
};

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a trial becomes a record with samples, errors and facts", "[run]") {
  Stay stay;
  const Mode mode = GENERATE(Mode::fwd, Mode::bwd, Mode::fwd_bwd);
  const RunSummary summary = stay.run({small_trial("cpu_reference", 0, mode)});
  CHECK(summary.counts == std::map<Outcome, int>{{Outcome::ok, 1}});
  CHECK_FALSE(summary.was_stopped);
  const Record& record = stay.witness.of("cpu_reference");
  INFO(record.message);
  REQUIRE(record.outcome == Outcome::ok);
  CHECK(record.samples_ms.size() >= 10);
  CHECK(record.sample_rounds.size() == record.samples_ms.size());
  CHECK(record.warmup_calls >= 3);
  CHECK_FALSE(record.stop_reason.empty());
  CHECK(record.errors.size() == (mode == Mode::fwd ? 2 : 5));
  for (const RoleError& error : record.errors) {
    CHECK(error.max_error <= error.allowed_error);
    CHECK(error.rows > 0);
  }
  CHECK(record.attempts == 1);
  CHECK(record.prepare_ms);
  CHECK(record.provider_sha256.size() == 64);
  CHECK(stay.witness.devices == std::vector<std::string>{"cpu"});
  CHECK(stay.witness.busy_ms > 0.0);
  CHECK(stay.witness.busy_ms < record.wall_seconds * 1e3);
  CHECK(has_no_children());
}

TEST_CASE("a crash in execute becomes crashed after a retry in a fresh worker", "[run]") {
  Stay stay;
  const Record& record = stay.ends_as("guest_crash");
  CHECK(record.outcome == Outcome::crashed);
  CHECK(record.detail == "signal-11");
  CHECK(holds(record.message, "in execute"));
  CHECK(record.attempts == 2);
  CHECK(record.samples_ms.empty());
}

TEST_CASE("a worker that hangs becomes timed_out", "[run]") {
  Stay stay;
  const Record& record = stay.ends_as("guest_hang");
  CHECK(record.outcome == Outcome::timed_out);
  CHECK(record.detail == "deadline-execute");
}

TEST_CASE("exit(0) in execute becomes crashed", "[run]") {
  Stay stay;
  const Record& record = stay.ends_as("guest_exit_0");
  CHECK(record.outcome == Outcome::crashed);
  CHECK(record.detail == "exit-0");
}

TEST_CASE("a child left behind with the descriptors delays nothing", "[run]") {
  Stay stay;
  CHECK(stay.ends_as("guest_child").detail == "exit-0");
}

TEST_CASE("garbage on the control descriptor becomes protocol_error", "[run]") {
  Stay stay;
  CHECK(stay.ends_as("guest_garbage").outcome == Outcome::protocol_error);
}

TEST_CASE("wrong numbers become wrong_result without a single sample", "[run]") {
  Stay stay;
  const Record& record = stay.ends_as("guest_wrong");
  CHECK(record.outcome == Outcome::wrong_result);
  CHECK(holds(record.message, "o: row"));
  CHECK(record.samples_ms.empty());
  CHECK_FALSE(stay.witness.bursts.empty());
  for (const std::string& provider : stay.witness.bursts) CHECK(provider != "guest_wrong");
}

TEST_CASE("a wrong gradient beside a right output is found", "[run]") {
  Stay stay;
  const Record& record = stay.ends_as("guest_wrong_gradient", GENERATE(Mode::bwd, Mode::fwd_bwd));
  CHECK(record.outcome == Outcome::wrong_result);
  CHECK(holds(record.message, "dq: row"));
}

TEST_CASE("a guest that is right only at first is caught after a burst", "[run]") {
  Stay stay;
  const Record& record = stay.ends_as("guest_wrong_later");
  CHECK(record.outcome == Outcome::wrong_result);
  CHECK(record.samples_ms.empty());
  CHECK(std::count(stay.witness.bursts.begin(), stay.witness.bursts.end(), "guest_wrong_later") ==
        1);
}

TEST_CASE("a refusal is unsupported with the provider's words", "[run]") {
  Stay stay;
  const Record& record = stay.ends_as("guest_refuse");
  CHECK(record.outcome == Outcome::unsupported);
  CHECK(record.detail == "shape");
  CHECK(record.message == "head_dim 16, at most 8");
}

TEST_CASE("out of memory is believed only after an attempt alone", "[run]") {
  Stay stay;
  const Record& record = stay.ends_as("guest_hoard");
  CHECK(record.outcome == Outcome::out_of_memory);
  CHECK_FALSE(record.interleaved);
  CHECK(record.attempts == 1);
  CHECK(std::count(stay.witness.started.begin(), stay.witness.started.end(), "guest_hoard") == 2);
}

TEST_CASE("noise on stdout is ok with a warning that names the log", "[run]") {
  Stay stay;
  const Record& record = stay.ends_as("guest_print");
  CHECK(record.outcome == Outcome::ok);
  REQUIRE(record.warnings.size() == 1);
  CHECK(holds(record.warnings[0], "guest_print-cpu.log"));
}

TEST_CASE("a trial that passes alone after a death is ok and marked contaminated", "[run]") {
  Stay stay;
  const Record& record = stay.ends_as("guest_crash_once");
  CHECK(record.outcome == Outcome::ok);
  CHECK(record.attempts == 2);
  REQUIRE(record.warnings.size() == 1);
  CHECK(holds(record.warnings[0], "contaminated"));
  CHECK(holds(record.warnings[0], "signal 11"));
}

TEST_CASE("a death leaves other trials of the same provider intact", "[run]") {
  Stay stay;
  stay.run({small_trial("guest_crash_once", 1), small_trial("guest_crash_once", 2),
            small_trial("guest_crash_once", 3)});
  REQUIRE(stay.witness.records.size() == 3);
  int retried = 0;
  for (const Record& record : stay.witness.records) {
    CHECK(record.outcome == Outcome::ok);
    if (record.attempts == 2) ++retried;
  }
  CHECK(retried == 1);
}

TEST_CASE("trials of a case take turns, one burst each", "[run]") {
  Stay stay;
  stay.settings.measure.effort = Effort::normal;
  stay.run({small_trial("guest_none"), small_trial("cpu_reference")});
  REQUIRE(stay.witness.bursts.size() >= 4);
  CHECK(stay.witness.bursts[0] == "guest_none");
  CHECK(stay.witness.bursts[1] == "cpu_reference");
  CHECK(stay.witness.bursts[2] == "cpu_reference");
  CHECK(stay.witness.bursts[3] == "guest_none");
  const Record& record = stay.witness.of("guest_none");
  CHECK(record.interleaved);
  CHECK(std::set<int>(record.sample_rounds.begin(), record.sample_rounds.end()).size() >= 2);
}

TEST_CASE("the trials of a case end together", "[run]") {
  Stay stay;
  const auto [effort, least_rounds, budget_samples] =
      GENERATE(std::tuple(Effort::normal, 2, 500), std::tuple(Effort::headline, 16, 3000));
  stay.settings.measure.effort = effort;
  stay.run(
      {small_trial("guest_none", 1), small_trial("guest_none", 2), small_trial("cpu_reference")});
  REQUIRE(stay.witness.records.size() == 3);
  std::set<int> of_converged;
  int longest = 0;
  for (const Record& record : stay.witness.records) {
    INFO(record.trial.provider << ": " << record.message << record.stop_reason);
    REQUIRE(record.outcome == Outcome::ok);
    const int rounds = record.sample_rounds.back() + 1;
    longest = std::max(longest, rounds);
    // A sample lasts a millisecond, and whose time budget is spent ends alone.
    const bool has_time = static_cast<double>(record.samples_ms.size()) < 0.4 * budget_samples;
    if (record.stop_reason == "converged" && has_time) of_converged.insert(rounds);
  }
  CHECK(longest >= least_rounds);
  CHECK(of_converged.size() <= 1);
}

TEST_CASE("workers alternate within a round, and a trial is concluded behind the next one's burst",
          "[run]") {
  Stay stay;
  stay.settings.measure.effort = Effort::grid;
  std::vector<size_t> concluded;
  stay.witness.after_burst = [&] { concluded.push_back(stay.witness.records.size()); };
  stay.run({small_trial("guest_none", 1), small_trial("guest_none", 2),
            small_trial("guest_none", 3), small_trial("cpu_reference")});
  CHECK(stay.witness.bursts ==
        std::vector<std::string>{"guest_none", "cpu_reference", "guest_none", "guest_none"});
  // The third has the worker of the second, whose outputs must be looked at before.
  CHECK(concluded == std::vector<size_t>{0, 0, 1, 3});
  for (const Record& record : stay.witness.records) CHECK(record.outcome == Outcome::ok);
}

TEST_CASE("a trial that is done is a record one burst later, however long others take", "[run]") {
  Stay stay;
  stay.settings.measure.effort = Effort::normal;
  std::vector<std::set<std::string>> known;  // at each burst, whose record is there
  stay.witness.after_burst = [&] {
    known.emplace_back();
    for (const Record& record : stay.witness.records) known.back().insert(record.trial.provider);
  };
  stay.run({small_trial("guest_none"), small_trial("cpu_reference"), small_trial("guest_print")});
  const std::vector<std::string>& bursts = stay.witness.bursts;
  REQUIRE(known.size() == bursts.size());
  int judged = 0;
  for (size_t i = 0; i + 2 < bursts.size(); ++i) {
    const bool is_last = std::find(bursts.begin() + static_cast<ptrdiff_t>(i) + 1, bursts.end(),
                                   bursts[i]) == bursts.end();
    if (!is_last) continue;
    CHECK(known[i + 2].contains(bursts[i]));
    ++judged;
  }
  CHECK(judged >= 1);
}

TEST_CASE("a late writer among trials of other workers is found", "[run]") {
  Stay stay;
  stay.settings.measure.effort = Effort::grid;
  stay.run({small_trial("guest_late"), small_trial("cpu_reference"), small_trial("guest_none")});
  CHECK(stay.witness.of("guest_late").detail == "late-write");
  CHECK(stay.witness.of("cpu_reference").outcome == Outcome::ok);
  CHECK(stay.witness.of("guest_none").outcome == Outcome::ok);
}

TEST_CASE("the plans of many trials are made ahead where a compiler is seen at work", "[run]") {
  Stay stay;
  stay.settings.reference_threads = 4;  // two workers
  const std::filesystem::path logs = stay.settings.worker.log_dir;
  const auto was_there = [&logs](const std::string& worker, const std::string& provider) {
    return std::filesystem::exists(logs / worker / (provider + "-cpu.log"));
  };
  std::vector<Trial> trials;
  for (int64_t flavour = 1; flavour <= 48; ++flavour) {
    trials.push_back(small_trial("guest_none", flavour));
    trials.back().problem.seqlen_q = 33 + flavour % 4;
  }
  SECTION("by several workers, and nobody is blamed yet") {
    for (int64_t seqlen = 33; seqlen < 36; ++seqlen) {
      trials.push_back(small_trial("guest_plan_slow"));
      trials.back().problem.seqlen_q = seqlen;
    }
    trials.push_back(small_trial("guest_refuse", 1));
    trials.push_back(small_trial("guest_plan_crash", 1));
    const RunSummary summary = stay.run(trials);
    CHECK(summary.counts.at(Outcome::ok) == 51);
    CHECK(stay.witness.of("guest_refuse").outcome == Outcome::unsupported);
    CHECK(stay.witness.of("guest_plan_crash").attempts == 2);
    CHECK(was_there("ahead-0", "guest_plan_slow"));
    CHECK(std::filesystem::exists(logs / "ahead-1"));
  }
  SECTION("by one, to see, where plans are quick") {
    stay.settings.compiled_plan_ms = 1e6;  // whatever else the machine does
    CHECK(stay.run(trials).counts.at(Outcome::ok) == 48);
    CHECK(was_there("ahead-0", "guest_none"));
    CHECK_FALSE(std::filesystem::exists(logs / "ahead-1"));
  }
  SECTION("not of few") {
    trials.pop_back();
    CHECK(stay.run(trials).counts.at(Outcome::ok) == 47);
    CHECK_FALSE(std::filesystem::exists(logs / "ahead-0"));
  }
  SECTION("until the stop flag is set") {
    stay.stop = true;
    CHECK(stay.run(trials).was_stopped);
    CHECK(stay.witness.records.empty());
  }
  CHECK(has_no_children());
}

TEST_CASE("trials that do not fit together run one by one and say so", "[run]") {
  Stay stay;
  stay.settings.memory_fraction = 1e-9;
  stay.settings.measure.effort = Effort::normal;
  stay.run({small_trial("guest_none"), small_trial("guest_refuse"), small_trial("cpu_reference")});
  CHECK(stay.witness.of("guest_none").outcome == Outcome::ok);
  CHECK_FALSE(stay.witness.of("guest_none").interleaved);
  CHECK_FALSE(stay.witness.of("cpu_reference").interleaved);
  CHECK(stay.witness.of("cpu_reference").attempts == 1);
  CHECK(stay.witness.of("guest_refuse").outcome == Outcome::unsupported);
  const std::vector<std::string>& bursts = stay.witness.bursts;
  CHECK(
      std::is_sorted(bursts.rbegin(), bursts.rend()));  // all of guest_none, then all of the other
}

TEST_CASE("three deaths with one set of options quarantine the rest of it", "[run]") {
  Stay stay;
  std::vector<Trial> trials;
  for (int64_t seqlen = 16; seqlen < 21; ++seqlen) {
    trials.push_back(small_trial("guest_crash"));
    trials.back().problem.seqlen_kv = seqlen;
  }
  trials.push_back(small_trial("guest_none"));
  const RunSummary summary = stay.run(trials);
  CHECK(summary.counts ==
        std::map<Outcome, int>{{Outcome::ok, 1}, {Outcome::crashed, 3}, {Outcome::quarantined, 2}});
  CHECK(holds(stay.witness.records[3].message, "3 trials of guest_crash"));
  CHECK(has_no_children());
}

TEST_CASE("deaths in three sets of options quarantine the provider", "[run]") {
  Stay stay;
  const RunSummary summary =
      stay.run({small_trial("guest_exit_0", 1), small_trial("guest_exit_0", 2),
                small_trial("guest_exit_0", 3), small_trial("guest_exit_0", 4)});
  CHECK(summary.counts.at(Outcome::crashed) == 3);
  CHECK(summary.counts.at(Outcome::quarantined) == 1);
}

TEST_CASE("a provider that is not installed, broken or useless here becomes records", "[run]") {
  Stay stay;
  ProviderInfo broken;
  broken.path = "/lib/x/broken.provider.so";
  broken.state = LibraryState::missing_dependency;
  broken.reason = "libcudnn.so.9 is missing";
  stay.providers.push_back(broken);
  Trial on_gpu = small_trial("cpu_reference");
  on_gpu.device = "cuda:0";
  stay.run({small_trial("nobody"), small_trial("broken"), on_gpu});
  CHECK(stay.witness.of("nobody").outcome == Outcome::load_failed);
  CHECK(stay.witness.of("nobody").detail == "not-installed");
  CHECK(stay.witness.of("broken").outcome == Outcome::load_failed);
  CHECK(stay.witness.of("broken").detail == "missing-dependency");
  CHECK(holds(stay.witness.of("broken").message, "libcudnn.so.9"));
  CHECK(stay.witness.of("cpu_reference").outcome == Outcome::unsupported);
}

TEST_CASE("the stop flag ends the run and keeps what is finished", "[run]") {
  Stay stay;
  Trial later = small_trial("guest_none");
  later.problem.seqlen_kv = 50;
  stay.witness.after_burst = [&] {
    if (!stay.witness.records.empty()) stay.stop = true;
  };
  const RunSummary summary = stay.run({small_trial("guest_none"), later});
  CHECK(summary.was_stopped);
  CHECK(stay.witness.records.size() == 1);
  CHECK(stay.witness.of("guest_none").trial == small_trial("guest_none"));
  CHECK(has_no_children());
}

TEST_CASE("an observer that cannot store a record ends the run, not the workers' orphans",
          "[run]") {
  Stay stay;
  stay.witness.after_burst = [] { throw Error("disk full"); };
  CHECK_THROWS_AS(stay.run({small_trial("guest_none")}), Error);
  CHECK(has_no_children());
}

TEST_CASE("a worker that is killed from outside is replaced", "[run]") {
  Stay stay;
  bool has_killed = false;
  stay.witness.after_burst = [&] {
    if (has_killed) return;
    has_killed = true;
    const std::string children =
        read_file("/proc/self/task/" + std::to_string(getpid()) + "/children");
    kill(std::stoi(children), SIGKILL);
  };
  stay.run({small_trial("guest_none")});
  const Record& record = stay.witness.of("guest_none");
  CHECK(record.outcome == Outcome::ok);
  CHECK(record.attempts == 2);
  CHECK(holds(record.warnings.at(0), "signal 9"));
}
