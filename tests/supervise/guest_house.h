// Real workers with real guests: settings that are quick, and an observer that remembers.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "supervise/describe.h"
#include "supervise/run.h"
#include "support/scratch.h"

namespace attnbench {

// `work_in` gets the logs and caches.
WorkerSettings quick_worker(const std::filesystem::path& work_in);
RunSettings quick_run(const std::filesystem::path& work_in);

// The guests of tests/fixtures/providers and what ships with attnbench for the CPU.
std::vector<ProviderInfo> guests_and_reference(const std::filesystem::path& work_in);

Problem small_problem(Mode mode = Mode::fwd);
Trial small_trial(const std::string& provider, int64_t flavour = 0, Mode mode = Mode::fwd);

class Witness final : public RunObserver {
 public:
  void record(const Record& record) override;
  void trial_started(const Trial& trial) override { started.push_back(trial.provider); }
  void burst_done(const Trial& trial, const Summary& so_far) override;
  void device_busy(double milliseconds) override { busy_ms += milliseconds; }
  void device_opened(const DeviceFacts& facts) override { devices.push_back(facts.device); }
  void note(const std::string& line) override { notes.push_back(line); }

  const Record& of(const std::string& provider) const;  // its only record; fails if there isn't one
  std::vector<std::string> started, devices, notes;
  std::vector<std::string> bursts;  // providers, in order
  std::vector<Record> records;
  double busy_ms = 0.0;
  std::function<void()> after_burst;
};

bool has_no_children();  // of this process, zombies included

}  // namespace attnbench
