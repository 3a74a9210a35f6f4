#include "supervise/plans_ahead.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <thread>

#include "base/clock.h"
#include "base/error.h"
#include "model/work.h"
#include "supervise/worker_pool.h"

namespace attnbench {
namespace {

// Starting the workers takes a second or two: as long as the few kernels of a small sweep.
constexpr size_t kManyTrials = 48;
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

// False: the worker is lost, or has no room for the problem.
bool make_plan(WorkerPool& pool, const ProviderInfo& provider, const Trial& trial) {
  const Answer<ReadyWorker> ready = pool.ready(provider, trial.device, trial.problem);
  const ReadyWorker* const worker = std::get_if<ReadyWorker>(&ready);
  if (worker == nullptr) return false;
  const std::string id = trial_id(trial);
  const Answer<PrepareReply> made = worker->client->call(PrepareRequest{id, trial.options});
  if (std::holds_alternative<PrepareReply>(made)) worker->client->call(ReleaseRequest{id});
  return worker->client->is_alive();
}

// Takes batches until none is left. Workers die with the thread that spawned them, so the pool
// lives and ends here.
void work_off(const std::vector<Batch>& batches, std::atomic<size_t>& next,
              const RunSettings& settings, const std::atomic<bool>& stop) try {
  Silent observer;
  WorkerPool pool(settings, observer, stop);
  for (size_t i = next++; i < batches.size(); i = next++) {
    const Batch& batch = batches[i];
    for (const Trial* const trial : batch.trials) {
      if (make_plan(pool, *batch.provider, *trial)) continue;
      pool.end(*batch.provider, trial->device);
      break;
    }
  }
  pool.say_bye();
} catch (const StopRequested&) {
} catch (const Error&) {  // no worker can be started; the run itself will say so
}

}  // namespace

void make_plans_ahead(const std::vector<Trial>& trials, const std::vector<ProviderInfo>& providers,
                      const RunSettings& settings, RunObserver& observer,
                      const std::atomic<bool>& stop) {
  const std::vector<Batch> batches = batches_of(trials, providers);
  size_t plans = 0;
  for (const Batch& batch : batches) plans += batch.trials.size();
  if (plans < kManyTrials) return;
  const std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
  const size_t workers =
      std::min<size_t>(batches.size(), std::clamp(settings.reference_threads / 2, 1, kMostWorkers));
  std::vector<RunSettings> settings_of(workers, settings);
  std::atomic<size_t> next = 0;
  std::vector<std::jthread> threads;
  for (size_t i = 0; i < workers; ++i) {
    settings_of[i].worker.log_dir /= fmt::format("ahead-{}", i);
    threads.emplace_back([&, i] { work_off(batches, next, settings_of[i], stop); });
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
