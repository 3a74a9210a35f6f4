#include "supervise/plans_ahead.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "model/work.h"
#include "supervise/worker_pool.h"

namespace attnbench {
namespace {

// Fewer are soon made in their turn.
constexpr size_t kManyTrials = 48;
// A plan that takes longer was compiled; a kernel out of a cache takes milliseconds.
constexpr double kCompiledMs = 100.0;
constexpr int kMostWorkers = 8;
constexpr double kWorthANoteS = 5.0;

struct Batch {  // of one problem and provider
  const ProviderInfo* provider = nullptr;
  std::vector<const Trial*> trials;
};

class Silent final : public RunObserver {
 public:
  void record(const Record&) override {}
};

const ProviderInfo* compiling_provider(const std::vector<ProviderInfo>& providers,
                                       const Trial& trial) {
  for (const ProviderInfo& info : providers) {
    if (info.state != LibraryState::ok || info.id != trial.provider) continue;
    const bool compiles = std::any_of(
        info.options.begin(), info.options.end(),
        [](const OptionInfo& option) { return option.is_compile_time && option.is_sweepable; });
    return compiles && info.is_usable_on(trial.device) ? &info : nullptr;
  }
  return nullptr;
}

// The smallest problems first: most kernels serve them as well as the large ones.
std::vector<Batch> batches_of(const std::vector<Trial>& trials,
                              const std::vector<ProviderInfo>& providers) {
  std::map<std::pair<std::string, std::string>, Batch> by_case;
  for (const Trial& trial : trials) {
    const ProviderInfo* const provider = compiling_provider(providers, trial);
    if (provider == nullptr) continue;
    Batch& batch = by_case[{case_id(trial.problem, trial.device), provider->id}];
    batch.provider = provider;
    batch.trials.push_back(&trial);
  }
  std::vector<Batch> batches;
  for (auto& [key, batch] : by_case) batches.push_back(std::move(batch));
  std::stable_sort(batches.begin(), batches.end(), [](const Batch& one, const Batch& other) {
    return tensor_bytes(one.trials.front()->problem) < tensor_bytes(other.trials.front()->problem);
  });
  return batches;
}

// The first batch of each provider and mode, which tells whether its kernels lie in a cache, is
// moved to the front; returns how many these are.
size_t put_probes_first(std::vector<Batch>& batches) {
  std::set<std::pair<const ProviderInfo*, Mode>> seen;
  const auto is_probe = [&seen](const Batch& batch) {
    return seen.emplace(batch.provider, batch.trials.front()->problem.mode).second;
  };
  return static_cast<size_t>(std::stable_partition(batches.begin(), batches.end(), is_probe) -
                             batches.begin());
}

// How long it took; nothing if it could not be made. Without a living worker the batch is over.
std::optional<double> make_plan(WorkerPool& pool, const ProviderInfo& provider,
                                const Trial& trial) {
  const Answer<ReadyWorker> ready = pool.ready(provider, trial.device, trial.problem);
  const ReadyWorker* const worker = std::get_if<ReadyWorker>(&ready);
  if (worker == nullptr) return std::nullopt;
  const std::string id = trial_id(trial);
  const Answer<PrepareReply> made = worker->client->call(PrepareRequest{id, trial.options});
  const PrepareReply* const reply = std::get_if<PrepareReply>(&made);
  if (reply == nullptr) return std::nullopt;
  worker->client->call(ReleaseRequest{id});
  return reply->prepare_ms;
}

// Takes batches until `end`; returns how long the slowest plan took. Workers die with the thread
// that spawned them, so the pool lives and ends here.
double work_off(std::span<const Batch> batches, std::atomic<size_t>& next,
                const RunSettings& settings, const std::atomic<bool>& stop) {
  double slowest_ms = 0.0;
  try {
    Silent observer;
    WorkerPool pool(settings, observer, stop);
    for (size_t i = next++; i < batches.size(); i = next++) {
      const Batch& batch = batches[i];
      const std::string& device = batch.trials.front()->device;
      for (const Trial* const trial : batch.trials) {
        slowest_ms = std::max(slowest_ms, make_plan(pool, *batch.provider, *trial).value_or(0.0));
        if (pool.generation(*batch.provider, device) == 0) break;
      }
    }
    pool.say_bye();
  } catch (const StopRequested&) {  // the run will see it, too
  } catch (const Error&) {          // no worker can be started; the run will say so
  }
  return slowest_ms;
}

}  // namespace

void make_plans_ahead(const std::vector<Trial>& trials, const std::vector<ProviderInfo>& providers,
                      const RunSettings& settings, RunObserver& observer,
                      const std::atomic<bool>& stop) {
  std::vector<Batch> batches = batches_of(trials, providers);
  size_t plans = 0;
  for (const Batch& batch : batches) plans += batch.trials.size();
  if (plans < kManyTrials) return;
  const std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
  const size_t workers =
      static_cast<size_t>(std::clamp(settings.reference_threads / 2, 1, kMostWorkers));
  std::vector<RunSettings> settings_of(workers, settings);
  for (size_t i = 0; i < workers; ++i) {
    settings_of[i].worker.log_dir /= fmt::format("ahead-{}", i);
  }
  std::atomic<size_t> next = 0;
  const std::span<const Batch> probes(batches.data(), put_probes_first(batches));
  if (work_off(probes, next, settings_of[0], stop) < kCompiledMs) return;

  next = probes.size();
  std::vector<std::jthread> threads;
  for (const RunSettings& its_settings : settings_of) {
    threads.emplace_back([&] { work_off(batches, next, its_settings, stop); });
  }
  threads.clear();
  const double seconds = seconds_between(start, std::chrono::steady_clock::now());
  if (seconds < kWorthANoteS) return;
  observer.note(
      fmt::format("{} plans made ahead in {:.0f} s by {} workers, for their kernels to lie "
                  "compiled in the cache",
                  plans, seconds, workers));
}

}  // namespace attnbench
