// Bad guests: a table that is a test. One run holds them all, each beside cpu_reference in a case
// of its own; whatever a guest does, it ends as the table says, the neighbour is measured, and no
// process stays. The table as printed is docs/bad_guests.md (APPROVE=1 renews it).
#include <elf.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstring>
#include <regex>

#include "base/file.h"
#include "base/text.h"
#include "report/summary.h"
#include "supervise/guest_house.h"
#include "support/catch.h"
#include "support/golden.h"

namespace attnbench {
namespace {

namespace fs = std::filesystem;

struct Guest {
  const char* name;  // the provider's id, or its file's name where it cannot be asked for an id
  const char* deed;
  Outcome outcome;
  const char* detail;
};

constexpr Guest kGuests[] = {
    // Nothing is left of these but a reason.
    {"text", "is not an ELF file", Outcome::load_failed, "not-elf"},
    {"torn", "is a truncated ELF file", Outcome::load_failed, "truncated"},
    {"foreign", "is built for another architecture", Outcome::load_failed, "wrong-architecture"},
    {"table_missing_dependency", "needs a library that is not there", Outcome::load_failed,
     "missing-dependency"},
    {"table_entry", "does not export the symbol", Outcome::load_failed, "missing-entry"},
    {"table_old_major", "was built for an older ABI", Outcome::load_failed, "abi-too-old"},
    {"table_only_v2", "was built for a newer ABI", Outcome::load_failed, "abi-too-new"},
    {"table_duplicate", "has two providers of one id", Outcome::load_failed, "bad-table"},
    {"guest_load_crash", "crashes while it is loaded", Outcome::load_failed, "crashed"},
    {"guest_load_hang", "hangs while it is loaded", Outcome::load_failed, "hung"},
    {"guest_load_exit", "calls exit(0) while it is loaded", Outcome::load_failed, "crashed"},
    {"guest_entry_crash", "crashes in its entry function", Outcome::load_failed, "crashed"},
    {"guest_entry_hang", "hangs in its entry function", Outcome::load_failed, "hung"},
    // The process is lost.
    {"guest_create_crash", "crashes in create", Outcome::crashed, "signal-11"},
    {"guest_create_hang", "hangs in create", Outcome::timed_out, "deadline-create"},
    {"guest_plan_crash", "crashes in plan_create", Outcome::crashed, "signal-11"},
    {"guest_plan_hang", "hangs in plan_create", Outcome::timed_out, "deadline-plan_create"},
    {"guest_crash", "crashes in execute", Outcome::crashed, "signal-11"},
    {"guest_crash_once", "crashes in execute, but only once", Outcome::ok, ""},
    {"guest_hang", "hangs in execute", Outcome::timed_out, "deadline-execute"},
    {"guest_destroy_hang", "hangs in plan_destroy", Outcome::timed_out, "deadline-plan_destroy"},
    {"guest_exit_0", "calls exit(0) in execute", Outcome::crashed, "exit-0"},
    {"guest_abort", "calls abort() in execute", Outcome::crashed, "signal-6"},
    {"guest_throws", "throws a C++ exception through the ABI", Outcome::crashed, "signal-6"},
    {"guest_child", "forks a child, then leaves with _exit(0)", Outcome::crashed, "exit-0"},
    {"guest_garbage", "writes to the control descriptor", Outcome::protocol_error, "bad-frame"},
    // The answer is wrong.
    {"guest_wrong", "computes wrong numbers", Outcome::wrong_result, "error-too-large"},
    {"guest_nan", "computes NaN", Outcome::wrong_result, "unexpected-nan"},
    {"guest_silent", "writes nothing", Outcome::wrong_result, "unexpected-nan"},
    {"guest_wrong_later", "is right in the first 3 calls only", Outcome::wrong_result,
     "error-too-large"},
    {"guest_recall_pointer", "keeps its answer by the address of Q", Outcome::wrong_result,
     "error-too-large"},
    {"guest_recall_checksum", "keeps its answers by a checksum of Q", Outcome::implausible,
     "below-floor"},
    // The answer is right, the manners are not.
    {"guest_overrun", "writes behind an output", Outcome::contract_violation, "out-of-bounds"},
    {"guest_underrun", "writes before an output", Outcome::contract_violation, "out-of-bounds"},
    {"guest_overrun_workspace", "writes behind its workspace", Outcome::contract_violation,
     "out-of-bounds"},
    {"guest_mutate", "writes to an input", Outcome::contract_violation, "input-changed"},
    {"guest_late", "writes after execute, from a thread", Outcome::contract_violation,
     "late-write"},
    {"guest_host_status", "returns a status that is the host's", Outcome::contract_violation,
     "status-23000"},
    {"guest_unknown_status", "returns a status that nobody knows", Outcome::internal_error,
     "status-12345"},
    // Answers, and bad habits.
    {"guest_refuse", "says no", Outcome::unsupported, "shape"},
    {"guest_hoard", "wants more memory than there is", Outcome::out_of_memory, "host-memory"},
    {"guest_print", "prints to stdout", Outcome::ok, ""},
    {"guest_leak", "leaks memory in each call", Outcome::ok, ""},
    {"guest_child_stays", "forks a child that lives on", Outcome::ok, ""},
};

fs::path built(const std::string& path) {
  return fs::path(ATTNBENCH_BUILD_DIR) / "tests" / path;
}

// All of them in one directory, under names that discovery looks for.
void gather_guests(const fs::path& directory) {
  fs::create_directories(directory);
  const auto place = [&](const std::string& name) { return directory / (name + ".provider.so"); };
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(built("guests"))) {
    if (entry.is_regular_file()) fs::copy(entry, directory / entry.path().filename());
  }
  for (const Guest& guest : kGuests) {
    const std::string name = guest.name;
    if (name.starts_with("table_")) fs::copy(built("tables/" + name + ".so"), place(name));
  }
  const std::string sound = read_file(built("tables/table_none.so"));
  std::string foreign = sound;
  const uint16_t machine = EM_RISCV;
  std::memcpy(foreign.data() + offsetof(Elf64_Ehdr, e_machine), &machine, sizeof(machine));
  replace_file(place("foreign"), foreign);
  replace_file(place("torn"), sound.substr(0, sound.size() / 2));
  replace_file(place("text"), "hello, I am a text\n");
}

RunSettings short_deadlines(const fs::path& work_in) {
  RunSettings settings = quick_run(work_in);
  Deadlines& deadlines = settings.worker.deadlines;
  for (double* deadline_s : {&deadlines.load_s, &deadlines.create_s, &deadlines.plan_create_s,
                             &deadlines.execute_s, &deadlines.plan_destroy_s}) {
    *deadline_s = 1.5;
  }
  // Inherited by all that a guest may start, so that it can be found wherever it hides.
  settings.worker.environment.push_back("BAD_GUESTS_TEST=" + work_in.string());
  return settings;
}

// What a checksum answers too fast must have taken long enough to compute.
Problem problem_of(const Guest& guest, int64_t number) {
  Problem problem = small_problem();
  problem.seqlen_kv += number;  // a case for each guest
  if (std::string(guest.name) == "guest_recall_checksum") {
    problem.seqlen_q = problem.seqlen_kv = 512;
    problem.head_dim = 64;
  }
  return problem;
}

Trial trial_of(const std::string& provider, const Problem& problem) {
  Trial trial;
  trial.provider = provider;
  trial.problem = problem;
  trial.device = "cpu";
  return trial;
}

int processes_with(const std::string& variable) {
  int processes = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc")) {
    std::ifstream environment(entry.path() / "environ");
    const std::string text{std::istreambuf_iterator<char>(environment), {}};
    if (text.find(variable) != std::string::npos) ++processes;
  }
  return processes;
}

// What differs from machine to machine and from run to run.
std::string steady(std::string text, const fs::path& scratch) {
  const size_t path_length = scratch.string().size();
  for (size_t at = 0; (at = text.find(scratch.string())) != std::string::npos;) {
    text.replace(at, path_length, "DIR");
  }
  text = std::regex_replace(text, std::regex("this machine is .*"), "this machine is #");
  text = std::regex_replace(text, std::regex(R"(\(b \d+, h \d+, i \d+\))"), "(b #, h #, i #)");
  return std::regex_replace(
      text,
      std::regex(
          R"((-?\d+\.\d+(e[-+]?\d+)?|-?\d+e[-+]?\d+)|\b\d+(?= (bytes|of \d+ bytes|MiB|ms|TFLOP)))"),
      "#");
}

std::string words_of(const Record& record, const fs::path& scratch) {
  std::string words = record.outcome == Outcome::ok ? join(record.warnings, "; ") : record.message;
  words = steady(words, scratch);
  for (size_t at = 0; (at = words.find('|', at)) != std::string::npos; at += 2)
    words.insert(at, "\\");
  return words;
}

std::string table_of(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths(rows.front().size(), 1);
  for (const std::vector<std::string>& row : rows) {
    for (size_t i = 0; i + 1 < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (size_t line = 0; line < rows.size(); ++line) {
    for (size_t i = 0; i < widths.size(); ++i)
      text += fmt::format("| {:<{}} ", rows[line][i], widths[i]);
    text += "|\n";
    if (line > 0) continue;
    for (size_t width : widths) text += "|" + std::string(width + 2, '-');
    text += "|\n";
  }
  return text;
}

constexpr const char* kHeading =
    "# Bad guests\n\n"
    "What becomes of a provider that breaks a rule, and what the record says of it: written and\n"
    "checked by `tests/system/bad_guests_test.cpp`. In each row the host lives on, the provider\n"
    "measured next to the guest is `ok`, and no process is left behind. The exit code is that of\n"
    "a run in which nothing else goes wrong; `#` stands for numbers that vary, DIR for the run's\n"
    "directory.\n\n";

}  // namespace

TEST_CASE("each bad guest ends as the table says, and harms nobody else", "[system][slow]") {
  const Scratch scratch;
  gather_guests(scratch / "guests");
  const RunSettings settings = short_deadlines(scratch.path());
  DescribeSettings describe{settings.worker, {"cpu"}, "", false};
  const std::vector<ProviderInfo> providers =
      describe_providers(find_provider_files({scratch / "guests", fs::path(ATTNBENCH_BUILD_DIR) /
                                                                      "lib/attnbench/providers"}),
                         describe);

  std::vector<Trial> trials;
  for (const Guest& guest : kGuests) {
    const Problem problem = problem_of(guest, static_cast<int64_t>(trials.size()));
    trials.push_back(trial_of(guest.name, problem));
    trials.push_back(trial_of("cpu_reference", problem));
  }
  Witness witness;
  const std::atomic<bool> never = false;
  run(trials, providers, settings, witness, never);
  CHECK(has_no_children());
  CHECK(processes_with("BAD_GUESTS_TEST=" + scratch.path().string()) == 0);
  REQUIRE(witness.records.size() == trials.size());

  std::vector<std::vector<std::string>> rows = {
      {"guest", "what it does", "outcome", "detail", "exit", "what the record says"}};
  for (const Guest& guest : kGuests) {
    INFO(guest.name);
    const Record& record = witness.of(guest.name);
    INFO(record.message);
    CHECK(to_text(record.outcome) == to_text(guest.outcome));
    CHECK(record.detail == guest.detail);
    CHECK(record.samples_ms.empty() == (guest.outcome != Outcome::ok));
    CHECK(record.warnings.size() == (guest.outcome == Outcome::ok ? 1 : 0));
    rows.push_back({guest.name, guest.deed, std::string(to_text(record.outcome)), record.detail,
                    has_fault({record}) ? "1" : "0", words_of(record, scratch.path())});
  }
  for (const Record& record : witness.records) {
    if (record.trial.provider != "cpu_reference") continue;
    INFO("the neighbour: " << record.message);
    CHECK(record.outcome == Outcome::ok);
    CHECK(record.samples_ms.size() >= 6);
    CHECK(record.warnings.empty());
  }
  const std::string table = table_of(rows);
  fmt::print("{}", table);
  check_golden("../docs/bad_guests.md", kHeading + table);
}

}  // namespace attnbench
