// The engine: trials in, records out. Who is measured when, for how long, what is believed and who
// is blamed is decided here; the worker only does. Read run.cpp for the order of cases, case_run.h
// for the life of one.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "model/provider_info.h"
#include "model/record.h"
#include "model/settings.h"
#include "model/statistics.h"
#include "protocol/messages.h"
#include "supervise/worker_process.h"

namespace attnbench {

struct RunSettings {
  WorkerSettings worker;
  std::filesystem::path cache_dir;  // offered to providers for compiled kernels
  MeasureSettings measure;
  uint64_t secret_seed = 0;  // which rows are checked, when inputs switch: unknown to providers
  // Of the fp64 reference, which is computed while no worker is timing on the same cores.
  int reference_threads = 1;
  // Trials of a case are prepared together only if they fit into this part of the memory that was
  // free before the first worker took any.
  double memory_fraction = 0.9;
  double compiled_plan_ms = 100.0;  // a plan that takes longer was compiled, not found in a cache
  int provider_threads = 0;         // what a CPU provider may use; 0: all of the allowed cpuset
};

// Sees the run go by. Called from the thread that called run().
class RunObserver {
 public:
  virtual ~RunObserver() = default;
  virtual void record(const Record& record) = 0;  // the trial has ended; to be stored at once
  virtual void trial_started(const Trial& trial);
  virtual void burst_done(const Trial& trial, const Summary& so_far);
  // A burst kept its device busy so long, heat-up and warm-up included.
  virtual void device_busy(double milliseconds);
  virtual void device_opened(const DeviceFacts& facts);  // once per device
  virtual void measuring_begins();                       // what had to be made before is made
  virtual void note(const std::string& line);  // a death, a quarantine: one line for people
};

struct RunSummary {
  std::map<Outcome, int> counts;  // records by outcome
  bool was_stopped = false;       // `stop` was set: trials without a record remain
};

// Runs the trials, case by case (problem x device) in the order of each case's first trial, and
// hands every record to the observer the moment it is known. Trials of a provider that `providers`
// lacks, or that cannot be used, become records too. Setting `stop` (from a signal handler) ends
// the run within a burst; what has no record then, gets none. Throws Error only for faults that are
// neither a provider's nor a worker's (the worker executable is missing, the log cannot be
// written).
RunSummary run(const std::vector<Trial>& trials, const std::vector<ProviderInfo>& providers,
               const RunSettings& settings, RunObserver& observer, const std::atomic<bool>& stop);

}  // namespace attnbench
