// `attnbench run`: the program's table of contents. Text becomes a sweep, the sweep a plan of
// trials, trials become records, records a table. Nothing flows back.
#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <set>

#include "base/clock.h"
#include "base/error.h"
#include "cli/machine.h"
#include "cli/plan_text.h"
#include "cli/run_document.h"
#include "cli/run_observer.h"
#include "cli/run_settings.h"
#include "cli/stop_flag.h"
#include "cli/verbs.h"
#include "report/plan_order.h"
#include "report/static_report.h"
#include "report/summary.h"
#include "store/run_directory.h"
#include "sweep/find.h"
#include "sweep/override.h"
#include "sweep/parse.h"

namespace attnbench {
namespace {

namespace fs = std::filesystem;

Sweep chosen_sweep(const RunArguments& arguments, const Environment& environment) {
  Sweep sweep = load_sweep(arguments.sweep, sweep_directories(environment));
  sweep = apply(std::move(sweep),
                {arguments.axes, arguments.filters, arguments.providers, arguments.overlays});
  if (arguments.effort) sweep.measure.effort = *arguments.effort;
  if (arguments.seed) sweep.measure.seed = *arguments.seed;
  return sweep;
}

// A resumed run is the same run: its sweep comes from run.json, and one that is named as well must
// agree with it.
Sweep resumed_sweep(const RunArguments& arguments, const Environment& environment) {
  const std::string run_file = (arguments.resume / kRunFile).string();
  Sweep earlier = sweep_of(read_run(arguments.resume), run_file);
  if (arguments.sweep.empty()) return earlier;
  if (to_toml(chosen_sweep(arguments, environment)) != to_toml(earlier)) {
    throw UsageError(fmt::format("{} was made by another sweep than \"{}\" with these options",
                                 arguments.resume.string(), arguments.sweep),
                     fmt::format("`attnbench run --resume {}` goes on with the run's own",
                                 arguments.resume.string()));
  }
  return earlier;
}

fs::path new_directory(const RunArguments& arguments, const Plan& plan) {
  if (!arguments.out.empty()) return arguments.out;
  std::string name = utc_compact() + "-" + plan.sweep().name;
  std::set<std::string> devices;
  for (const PlannedLine& line : plan.lines()) devices.insert(line.device);
  for (std::string device : devices) {
    std::erase(device, ':');
    name += "-" + device;
  }
  return fs::path("runs") / name;
}

std::vector<Trial> missing_trials(const Plan& plan, const RecordSet& earlier) {
  std::vector<Trial> missing;
  plan.for_each_trial([&](const Trial& trial, int64_t) {
    if (earlier.find(trial_id(trial)) == nullptr) missing.push_back(trial);
    return true;
  });
  return missing;
}

// The records are safe by now, so whatever goes wrong with the report is no failure of the run.
void write_report(const Plan& plan, const std::vector<Record>& records, const fs::path& directory,
                  const Environment& environment) {
  try {
    const StaticReport report =
        write_static_report(read_run(directory), plan, records, directory,
                            {environment.gnuplot, environment.worker_environment});
    std::cout << report.page.string() << "\n";
    if (!report.warning.empty()) std::cerr << "attnbench: warning: " << report.warning << "\n";
  } catch (const Error& error) {
    std::cerr << "attnbench: warning: no report: " << error.line() << "\n";
  }
}

}  // namespace

int verb_run(const RunArguments& arguments, const Environment& environment,
             const std::vector<std::string>& argv) {
  const bool is_resumed = !arguments.resume.empty();
  const Sweep sweep =
      is_resumed ? resumed_sweep(arguments, environment) : chosen_sweep(arguments, environment);
  const Machine machine = read_machine("/");
  const std::vector<ProviderInfo> providers =
      installed_providers(environment, arguments.provider_dirs, machine.device_names());
  const Plan plan = expand(sweep, providers, machine.device_names());
  if (arguments.is_dry_run) {
    const PlanCost cost = estimate_cost(plan, machine.cpu.allowed_cpus);
    std::cout << plan_text(plan, cost, machine.cpu.available_bytes);
    return kExitOk;
  }

  // From here on, nothing reads the sweep's text again: the plan's trials are all there is to do.
  const std::atomic<bool>& stop = stop_on_signals();
  RunDirectory directory = is_resumed ? RunDirectory::resume(arguments.resume)
                                      : RunDirectory::create(new_directory(arguments, plan));
  const std::vector<Trial> trials = missing_trials(plan, directory.earlier());
  RunSettings settings = run_settings(environment, machine, plan.sweep().measure);
  settings.worker.log_dir = directory.logs();
  const SteadyClock clock;
  Progress progress(std::cerr, clock, environment.progress);
  std::vector<std::string> notes = plan.notes();
  Json document = run_document(argv, plan, providers, machine);
  if (is_resumed) document = resumed_document(read_run(arguments.resume), document, &notes);
  RecordingObserver observer(directory, std::move(document), plan.sweep().sentinels, progress,
                             clock);
  observer.begin(machine.warnings(), notes, trials.size());

  // Every record is on disk the moment its trial ends, whatever ends the run.
  bool was_stopped = false;
  std::optional<Error> failure;
  try {
    was_stopped = run(trials, providers, settings, observer, stop).was_stopped;
  } catch (const Error& error) {
    failure = error;
  }
  const std::string status = failure ? "failed" : was_stopped ? "stopped" : "finished";
  observer.end(status, settings.secret_seed, !failure);

  // From here on, records are only read.
  const std::vector<Record> records = in_plan_order(plan, observer.records());
  std::cout << run_summary(records, environment.output) << "\n"
            << harness_text(observer.harness()) << "\n"
            << directory.path().string() << "\n";
  if (failure) {
    std::cerr << "attnbench: " << failure->line() << "\n";
    return kExitFault;
  }
  if (was_stopped) {
    std::cerr << fmt::format(
        "attnbench: stopped with {} trials to go -- `attnbench run --resume {}`\n", observer.left(),
        directory.path().string());
    return kExitStopped;
  }
  write_report(plan, records, directory.path(), environment);
  return has_fault(records) ? kExitFault : kExitOk;
}

}  // namespace attnbench
