// The order of a run: trials that nobody can run become records, the others run case by case.
#include "supervise/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

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

// The references of a case are computed while the one before it is measured, unless that is
// measured on the same cores. The worker keeps one, its driver another.
constexpr int kCoresOfWorker = 2;

std::unique_ptr<References> references_ahead(const RunSettings& settings, const Trial& now,
                                             const Trial& next) {
  std::unique_ptr<References> references = std::make_unique<References>(next.problem, settings);
  const int threads = settings.reference_threads - kCoresOfWorker;
  if (now.device != "cpu" && threads > 0) references->start(threads);
  return references;
}

void run_cases(RunContext& context, const std::vector<Trial>& trials,
               const std::vector<ProviderInfo>& providers) {
  const std::vector<std::vector<const Trial*>> cases = by_case(trials);
  std::unique_ptr<References> next;
  for (size_t i = 0; i < cases.size(); ++i) {
    const std::vector<const Trial*>& members = cases[i];
    const Trial& first = *members.front();
    const std::unique_ptr<References> references =
        next ? std::move(next) : std::make_unique<References>(first.problem, context.settings);
    if (i + 1 < cases.size()) {
      next = references_ahead(context.settings, first, *cases[i + 1].front());
    }
    std::vector<CaseTrial> runnable;
    for (const Trial* trial : members) {
      const ProviderInfo* provider = find_provider(providers, trial->provider);
      const std::optional<Refusal> refusal = provider == nullptr
                                                 ? refusal_of_missing(providers, trial->provider)
                                                 : refusal_on(*provider, trial->device);
      if (context.stop.load()) throw StopRequested{};
      if (refusal) {
        context.finish(record_of(*trial, provider, *refusal));
      } else {
        runnable.push_back({trial, provider});
      }
    }
    if (!runnable.empty()) run_case(context, *references, runnable);
  }
  context.pool.say_bye();
}

}  // namespace

void RunObserver::trial_started(const Trial&) {}
void RunObserver::burst_done(const Trial&, const Summary&) {}
void RunObserver::device_busy(double) {}
void RunObserver::device_opened(const DeviceFacts&) {}
void RunObserver::note(const std::string&) {}

RunSummary run(const std::vector<Trial>& trials, const std::vector<ProviderInfo>& providers,
               const RunSettings& settings, RunObserver& observer, const std::atomic<bool>& stop) {
  check_settings(settings, trials);
  RunContext context(settings, observer, stop);
  try {
    make_plans_ahead(trials, providers, settings, observer, stop);
    run_cases(context, trials, providers);
  } catch (const StopRequested&) {
    context.summary.was_stopped = true;
  }
  return context.summary;
}

}  // namespace attnbench
