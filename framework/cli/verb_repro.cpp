// `attnbench repro`: one trial of an earlier run once more, with the same inputs and the same rows
// checked, beside what it was then. Nothing is written into the run.
#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "cli/repro_text.h"
#include "cli/run_document.h"
#include "cli/run_settings.h"
#include "cli/stop_flag.h"
#include "cli/verbs.h"
#include "report/summary.h"
#include "store/run_directory.h"
#include "supervise/profile.h"

namespace attnbench {
namespace {

class LastRecord final : public RunObserver {
 public:
  void record(const Record& record) override { record_ = record; }
  void note(const std::string& line) override { std::cerr << "note: " << line << "\n"; }
  const std::optional<Record>& last() const { return record_; }

 private:
  std::optional<Record> record_;
};

// The trial whose id begins so.
const Record& find_trial(const RecordSet& set, const std::string& beginning,
                         const std::string& where) {
  const Record* found = nullptr;
  for (const Record& record : set.records()) {
    if (!record.trial_id.starts_with(beginning)) continue;
    if (found != nullptr) {
      throw Error(fmt::format("more than one trial of {} begins with \"{}\"", where, beginning),
                  "give more of its id");
    }
    found = &record;
  }
  if (found != nullptr) return *found;
  throw Error(fmt::format("{} has no record of a trial \"{}\"", where, beginning),
              "summary.csv there lists all: `attnbench report` writes it");
}

const ProviderInfo& find_provider(const std::vector<ProviderInfo>& providers,
                                  const std::string& id) {
  for (const ProviderInfo& provider : providers) {
    if (provider.state == LibraryState::ok && provider.id == id) return provider;
  }
  throw Error(fmt::format("provider {} is not installed here", id),
              "`attnbench list providers` shows what is; --provider-dir names another place");
}

int profile(const Trial& trial, const ProviderInfo& provider, RunSettings settings,
            const Environment& environment, const std::vector<std::string>& argv) {
  // A profiler reaches the worker through variables that a run would withhold.
  settings.worker.environment = environment.whole_environment;
  const ProfiledCall call = profile_call(trial, provider, settings, stop_on_signals());
  std::cout << fmt::format("one call: {:.3f} ms by the wall clock, unverified\n", call.elapsed_ms)
            << "under a profiler that follows child processes:\n"
            << profiler_text(argv, trial.device, call.kernels);
  return kExitOk;
}

}  // namespace

int verb_repro(const ReproArguments& arguments, const Environment& environment,
               const std::vector<std::string>& argv) {
  const std::filesystem::path& directory = arguments.run_directory;
  const Json run_json = read_run(directory);
  const Sweep sweep = sweep_of(run_json, (directory / kRunFile).string());
  const RecordSet set = read_records(directory / kResultsFile);
  const Record& then = find_trial(set, arguments.trial_id, directory.string());
  const Machine machine = read_machine("/");
  const std::vector<ProviderInfo> providers =
      installed_providers(environment, arguments.provider_dirs, machine.device_names());

  RunSettings settings = run_settings(environment, machine, sweep.measure);
  settings.worker.log_dir = std::filesystem::temp_directory_path() / "attnbench-repro";
  JsonFields fields(run_json, kRunFile);
  if (fields.has("secret_seed")) settings.secret_seed = fields.unsigned_integer("secret_seed");

  std::cout << fmt::format("{} {} {}{}{} on {}\n", then.trial_id, printable(then.trial.provider),
                           to_text(then.trial.problem), then.trial.options.empty() ? "" : " ",
                           printable(to_text(then.trial.options)), then.trial.device);
  if (arguments.is_profile) {
    return profile(then.trial, find_provider(providers, then.trial.provider), settings, environment,
                   argv);
  }
  LastRecord observer;
  const RunSummary summary = run({then.trial}, providers, settings, observer, stop_on_signals());
  if (summary.was_stopped || !observer.last()) return kExitStopped;
  std::cout << repro_text(then, *observer.last(), environment.output);
  return has_fault({*observer.last()}) ? kExitFault : kExitOk;
}

}  // namespace attnbench
