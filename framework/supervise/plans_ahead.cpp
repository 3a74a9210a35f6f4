#include "supervise/plans_ahead.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <tuple>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "model/work.h"
#include "supervise/policy.h"
#include "supervise/worker_pool.h"

namespace attnbench {
namespace {

constexpr size_t kManyTrials = 48;  // fewer are soon made in their turn
constexpr size_t kBatchTrials = 4;
constexpr int kMostWorkers = 8;

struct Batch {  // some trials of one problem and provider
  const ProviderInfo* provider = nullptr;
  std::vector<const Trial*> trials;
};

// What the workers share.
struct Work {
  std::vector<Batch> batches;
  size_t providers = 0;  // how many of them compile
  size_t workers = 1;
  std::atomic<size_t> next = 0;
  std::mutex mutex;
  std::set<const ProviderInfo*> lost;  // who has cost a worker; the run will see to the blame
};

class Silent final : public RunObserver {
 public:
  void record(const Record&) override {}
};

bool compiles(const ProviderInfo& provider) {
  return std::any_of(
      provider.options.begin(), provider.options.end(),
      [](const OptionInfo& option) { return option.is_compile_time && option.is_sweepable; });
}

// Problems of one kind are likely to have kernels in common.
using Kind = std::tuple<const ProviderInfo*, Mode, Dtype, int64_t, Bias, Causal>;

Kind kind_of(const Batch& batch) {
  const Problem& problem = batch.trials.front()->problem;
  return {batch.provider,   problem.mode, problem.dtype,
          problem.head_dim, problem.bias, problem.causal};
}

// The smallest problem of each kind first, then the second of each: so neighbours, which different
// workers take, have little in common, and one that comes later finds its kernels compiled.
std::vector<Batch> batches_of(const std::vector<CaseTrial>& trials) {
  std::map<std::pair<std::string, std::string>, Batch> by_case;
  for (const auto& [trial, provider] : trials) {
    if (!compiles(*provider)) continue;
    Batch& batch = by_case[{case_id(trial->problem, trial->device), provider->id}];
    batch.provider = provider;
    batch.trials.push_back(trial);
  }
  std::vector<Batch> cases;
  for (auto& [key, batch] : by_case) cases.push_back(std::move(batch));
  std::stable_sort(cases.begin(), cases.end(), [](const Batch& one, const Batch& other) {
    return tensor_bytes(one.trials.front()->problem) < tensor_bytes(other.trials.front()->problem);
  });
  std::vector<Batch> batches;
  for (const Batch& whole : by_turns(cases, kind_of)) {
    for (size_t i = 0; i < whole.trials.size(); ++i) {
      if (i % kBatchTrials == 0) batches.push_back({whole.provider, {}});
      batches.back().trials.push_back(whole.trials[i]);
    }
  }
  return batches;
}

// Each worker keeps the tensors of one case of each provider.
bool fits(const WorkerPool& pool, const Trial& trial, const RunSettings& settings,
          const Work& work) {
  const DeviceFacts* const facts = pool.facts(trial.device);
  if (facts == nullptr) return true;  // nobody has opened the device yet
  const double cases = static_cast<double>(work.workers * work.providers);
  return cases * tensor_bytes(trial.problem) <=
         settings.memory_fraction * static_cast<double>(facts->free_bytes);
}

// How long it took; nothing if it could not be made.
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

bool is_lost(Work& work, const ProviderInfo* provider) {
  const std::lock_guard<std::mutex> lock(work.mutex);
  return work.lost.contains(provider);
}

// What costs a worker once, is likely to cost the next one, too: no more of that provider.
std::optional<double> try_plan(WorkerPool& pool, const ProviderInfo& provider, const Trial& trial,
                               Work& work) {
  const std::optional<double> took_ms = make_plan(pool, provider, trial);
  if (pool.generation(provider, trial.device) == 0) {
    const std::lock_guard<std::mutex> lock(work.mutex);
    work.lost.insert(&provider);
  }
  return took_ms;
}

// Runs `task` with a pool of its own: workers die with the thread that spawned them.
template <typename Task>
void with_pool(const RunSettings& settings, const std::atomic<bool>& stop, const Task& task) {
  try {
    Silent observer;
    WorkerPool pool(settings, observer, stop);
    task(pool);
    pool.say_bye();
  } catch (const StopRequested&) {  // the run will see it, too
  } catch (const Error&) {          // no worker can be started; the run will say so
  }
}

// One plan of each kind tells, until one is seen to have been compiled.
bool is_compiling(Work& work, const RunSettings& settings, const std::atomic<bool>& stop) {
  bool was_compiled = false;
  with_pool(settings, stop, [&](WorkerPool& pool) {
    std::set<Kind> seen;
    for (const Batch& batch : work.batches) {
      if (was_compiled) return;
      if (!seen.insert(kind_of(batch)).second || is_lost(work, batch.provider)) continue;
      const std::optional<double> took_ms =
          try_plan(pool, *batch.provider, *batch.trials.front(), work);
      was_compiled = took_ms.value_or(0.0) >= settings.compiled_plan_ms;
    }
  });
  return was_compiled;
}

void work_off(Work& work, const RunSettings& settings, const std::atomic<bool>& stop) {
  with_pool(settings, stop, [&](WorkerPool& pool) {
    for (size_t i = work.next++; i < work.batches.size(); i = work.next++) {
      const Batch& batch = work.batches[i];
      for (const Trial* const trial : batch.trials) {
        if (is_lost(work, batch.provider) || !fits(pool, *trial, settings, work)) break;
        try_plan(pool, *batch.provider, *trial, work);
      }
    }
  });
}

}  // namespace

void make_plans_ahead(const std::vector<CaseTrial>& trials, const RunSettings& settings,
                      RunObserver& observer, const std::atomic<bool>& stop) {
  Work work;
  work.batches = batches_of(trials);
  size_t plans = 0;
  std::set<const ProviderInfo*> compiling;
  for (const Batch& batch : work.batches) {
    plans += batch.trials.size();
    compiling.insert(batch.provider);
  }
  if (plans < kManyTrials) return;
  work.providers = compiling.size();
  work.workers = static_cast<size_t>(std::clamp(settings.reference_threads / 2, 1, kMostWorkers));
  std::vector<RunSettings> settings_of(work.workers, settings);
  for (size_t i = 0; i < work.workers; ++i) {
    settings_of[i].worker.log_dir /= fmt::format("ahead-{}", i);
  }
  if (!is_compiling(work, settings_of[0], stop) || stop.load()) return;

  observer.note(
      fmt::format("{} plans are made ahead by {} workers, so that their kernels lie "
                  "compiled in the cache",
                  plans, work.workers));
  const std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
  std::vector<std::jthread> threads;
  for (const RunSettings& its_settings : settings_of) {
    threads.emplace_back([&] { work_off(work, its_settings, stop); });
  }
  threads.clear();
  observer.note(
      fmt::format("that took {:.0f} s", seconds_between(start, std::chrono::steady_clock::now())));
}

}  // namespace attnbench
