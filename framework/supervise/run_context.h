// What all steps of a run share. One object, handed down by reference; no step keeps it.
#pragma once

#include <atomic>

#include "supervise/policy.h"
#include "supervise/run.h"
#include "supervise/worker_pool.h"

namespace attnbench {

struct RunContext {
  RunContext(const RunSettings& run_settings, RunObserver& run_observer,
             const std::atomic<bool>& stop_flag)
      : settings(run_settings),
        observer(run_observer),
        stop(stop_flag),
        pool(run_settings, run_observer, stop_flag),
        secret(run_settings.secret_seed, "warm-up and switches") {}

  // The record goes out at once; counted for the summary.
  void finish(const Record& record) {
    observer.record(record);
    ++summary.counts[record.outcome];
  }

  const RunSettings& settings;
  RunObserver& observer;
  const std::atomic<bool>& stop;
  WorkerPool pool;
  Quarantine quarantine;
  SecretNumbers secret;
  RunSummary summary;
};

}  // namespace attnbench
