// Sees a run go by: stores every record at once, tells the terminal, keeps run.json up to date.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "report/progress.h"
#include "store/run_directory.h"
#include "supervise/run.h"

namespace attnbench {

class RecordingObserver final : public RunObserver {
 public:
  // Borrows directory and progress.
  RecordingObserver(RunDirectory& directory, Json document, const Sentinels& sentinels,
                    Progress& progress);
  ~RecordingObserver() override;

  // Writes run.json; `trials` are still to be done.
  void begin(const std::vector<std::string>& warnings, const std::vector<std::string>& notes,
             size_t trials);
  void record(const Record& record) override;
  void trial_started(const Trial& trial) override;
  void burst_done(const Trial& trial, const Summary& so_far) override;
  void device_opened(const DeviceFacts& facts) override;
  void note(const std::string& line) override;
  // `can_write`: false after a failure that may be the disk's.
  void end(const std::string& status, uint64_t secret_seed, bool can_write);

  const std::vector<Record>& records() const { return records_; }  // with those of an earlier run
  size_t left() const { return left_; }

 private:
  RunDirectory& directory_;
  std::unique_ptr<Json> document_;
  Sentinels sentinels_;
  Progress& progress_;
  std::vector<Record> records_;
  size_t left_ = 0;
};

}  // namespace attnbench
