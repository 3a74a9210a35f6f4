// Sees a run go by: stores every record at once, tells the terminal, keeps run.json up to date.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "report/progress.h"
#include "report/summary.h"
#include "store/run_directory.h"
#include "supervise/run.h"

namespace attnbench {

class RecordingObserver final : public RunObserver {
 public:
  // Borrows directory, progress and clock.
  RecordingObserver(RunDirectory& directory, Json document, const Sentinels& sentinels,
                    Progress& progress, const Clock& clock);
  ~RecordingObserver() override;

  // Writes run.json; `trials` are still to be done.
  void begin(const std::vector<std::string>& warnings, const std::vector<std::string>& notes,
             size_t trials);
  void record(const Record& record) override;
  void trial_started(const Trial& trial) override;
  void burst_done(const Trial& trial, const Summary& so_far) override;
  void device_busy(double milliseconds) override;
  void device_opened(const DeviceFacts& facts) override;
  void measuring_begins() override;
  void note(const std::string& line) override;
  // `can_write`: false after a failure that may be the disk's.
  void end(const std::string& status, uint64_t secret_seed, bool can_write);

  const std::vector<Record>& records() const { return records_; }  // with those of an earlier run
  size_t left() const { return left_; }
  // Of this run and, after end(), of those that it resumed.
  const HarnessTime& harness() const { return harness_; }

 private:
  RunDirectory& directory_;
  std::unique_ptr<Json> document_;
  Sentinels sentinels_;
  Progress& progress_;
  const Clock& clock_;
  std::vector<Record> records_;
  HarnessTime harness_;
  std::chrono::steady_clock::time_point began_;
  size_t left_ = 0;
};

}  // namespace attnbench
