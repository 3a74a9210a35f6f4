// The order of a run: trials that nobody can run become records, the others run case by case.
#include "supervise/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "supervise/case_run.h"
#include "supervise/plans_ahead.h"
#include "supervise/run_context.h"

namespace attnbench {
namespace {

struct Refusal {
  Outcome outcome;
  std::string detail, message;
};

const ProviderInfo* find_provider(const std::vector<ProviderInfo>& providers,
                                  const std::string& id) {
  for (const ProviderInfo& info : providers) {
    if (info.state == LibraryState::ok && info.id == id) return &info;
  }
  return nullptr;
}

// A broken library has no id; by custom its file bears it.
const ProviderInfo* find_broken_file(const std::vector<ProviderInfo>& providers,
                                     const std::string& id) {
  for (const ProviderInfo& info : providers) {
    const bool is_broken = info.state != LibraryState::ok && info.state != LibraryState::shadowed;
    const std::string file = std::filesystem::path(info.path).filename().string();
    if (is_broken && (info.id == id || file == id + ".provider.so")) return &info;
  }
  return nullptr;
}

Refusal refusal_of_missing(const std::vector<ProviderInfo>& providers, const std::string& id) {
  if (const ProviderInfo* broken = find_broken_file(providers, id)) {
    std::string detail(enum_to_text(kLibraryStates, broken->state));
    std::replace(detail.begin(), detail.end(), '_', '-');
    return {Outcome::load_failed, detail, fmt::format("{}: {}", broken->path, broken->reason)};
  }
  return {
      Outcome::load_failed, "not-installed",
      fmt::format("provider \"{}\" is not installed -- put {}.provider.so into a directory that "
                  "`attnbench list providers` names",
                  id, id)};
}

std::optional<Refusal> refusal_on(const ProviderInfo& provider, const std::string& device) {
  if (provider.is_usable_on(device)) return std::nullopt;
  std::string reason = fmt::format("{} does not run on {}", provider.id, device);
  for (const Usability& usability : provider.usable) {
    if (usability.device == device && !usability.reason.empty()) reason = usability.reason;
  }
  return Refusal{Outcome::unsupported, "not-usable-here", reason};
}

Record record_of(const Trial& trial, const ProviderInfo* provider, const Refusal& refusal) {
  Record record;
  record.trial_id = trial_id(trial);
  record.trial = trial;
  record.outcome = refusal.outcome;
  record.detail = refusal.detail;
  record.message = refusal.message;
  record.started_utc = utc_iso();
  if (provider != nullptr) {
    record.provider_sha256 = provider->sha256;
    record.provider_version = provider->version;
  }
  return record;
}

// In the order of each case's first trial.
std::vector<std::vector<const Trial*>> by_case(const std::vector<Trial>& trials) {
  std::map<std::string, size_t> index_of_case;
  std::vector<std::vector<const Trial*>> cases;
  for (const Trial& trial : trials) {
    const auto [entry, is_new] =
        index_of_case.emplace(case_id(trial.problem, trial.device), cases.size());
    if (is_new) cases.emplace_back();
    cases[entry->second].push_back(&trial);
  }
  return cases;
}

void check_settings(const RunSettings& settings, const std::vector<Trial>& trials) {
  const Protocol protocol = settings.measure.protocol;
  if (protocol == Protocol::adaptive) return;
  for (const Trial& trial : trials) {
    if (trial.device != "cpu") continue;
    throw Error(fmt::format("protocol \"{}\" is triton.testing's way to measure GPUs, not \"cpu\"",
                            enum_to_text(kProtocols, protocol)),
                "use protocol = \"adaptive\", or measure on cuda:0 alone");
  }
}

std::optional<Refusal> refusal_of(const Trial& trial, const ProviderInfo* provider,
                                  const std::vector<ProviderInfo>& providers) {
  if (provider == nullptr) return refusal_of_missing(providers, trial.provider);
  return refusal_on(*provider, trial.device);
}

struct Case {
  std::vector<CaseTrial> runnable;
  std::vector<CaseTrial> refused;  // no provider: not installed
};

Case case_of(const std::vector<const Trial*>& members, const std::vector<ProviderInfo>& providers) {
  Case result;
  for (const Trial* const trial : members) {
    const ProviderInfo* const provider = find_provider(providers, trial->provider);
    const bool can_run = !refusal_of(*trial, provider, providers);
    (can_run ? result.runnable : result.refused).push_back({trial, provider});
  }
  return result;
}

std::vector<Case> cases_of(const std::vector<Trial>& trials,
                           const std::vector<ProviderInfo>& providers) {
  std::vector<Case> cases;
  for (const std::vector<const Trial*>& members : by_case(trials)) {
    cases.push_back(case_of(members, providers));
  }
  return cases;
}

std::vector<CaseTrial> runnable_in(const std::vector<Case>& cases) {
  std::vector<CaseTrial> all;
  for (const Case& each : cases) {
    all.insert(all.end(), each.runnable.begin(), each.runnable.end());
  }
  return all;
}

// The references of a case are computed while the one before it is measured, unless that is
// measured on the same cores. The worker keeps one, its driver another.
constexpr int kCoresOfWorker = 2;

bool can_compute_beside(const Case& measured, const RunSettings& settings) {
  return !measured.runnable.empty() && measured.runnable.front().trial->device != "cpu" &&
         settings.reference_threads > kCoresOfWorker;
}

// Of none, if there is no such case or nothing in it can run.
std::unique_ptr<References> references_of(const std::vector<Case>& cases, size_t i,
                                          const RunSettings& settings) {
  if (i >= cases.size() || cases[i].runnable.empty()) return nullptr;
  return std::make_unique<References>(cases[i].runnable.front().trial->problem, settings);
}

void run_cases(RunContext& context, const std::vector<Case>& cases,
               const std::vector<ProviderInfo>& providers) {
  const RunSettings& settings = context.settings;
  std::unique_ptr<References> next = references_of(cases, 0, settings);
  for (size_t i = 0; i < cases.size(); ++i) {
    for (const auto& [trial, provider] : cases[i].refused) {
      if (context.stop.load()) throw StopRequested{};
      context.finish(record_of(*trial, provider, *refusal_of(*trial, provider, providers)));
    }
    const std::unique_ptr<References> references =
        std::exchange(next, references_of(cases, i + 1, settings));
    if (next && can_compute_beside(cases[i], settings)) {
      next->start(settings.reference_threads - kCoresOfWorker);
    }
    if (context.stop.load()) throw StopRequested{};
    if (references) run_case(context, *references, cases[i].runnable);
  }
  context.pool.say_bye();
}

}  // namespace

void RunObserver::trial_started(const Trial&) {}
void RunObserver::burst_done(const Trial&, const Summary&) {}
void RunObserver::device_busy(double) {}
void RunObserver::device_opened(const DeviceFacts&) {}
void RunObserver::measuring_begins() {}
void RunObserver::note(const std::string&) {}

RunSummary run(const std::vector<Trial>& trials, const std::vector<ProviderInfo>& providers,
               const RunSettings& settings, RunObserver& observer, const std::atomic<bool>& stop) {
  check_settings(settings, trials);
  RunContext context(settings, observer, stop);
  try {
    const std::vector<Case> cases = cases_of(trials, providers);
    make_plans_ahead(runnable_in(cases), settings, observer, stop);
    observer.measuring_begins();
    run_cases(context, cases, providers);
  } catch (const StopRequested&) {
    context.summary.was_stopped = true;
  }
  return context.summary;
}

}  // namespace attnbench
