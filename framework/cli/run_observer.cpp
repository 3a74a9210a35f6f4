#include "cli/run_observer.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/run_document.h"

namespace attnbench {

RecordingObserver::RecordingObserver(RunDirectory& directory, Json document,
                                     const Sentinels& sentinels, Progress& progress,
                                     const Clock& clock)
    : directory_(directory),
      document_(std::make_unique<Json>(std::move(document))),
      sentinels_(sentinels),
      progress_(progress),
      clock_(clock),
      records_(directory.earlier().records()) {}

RecordingObserver::~RecordingObserver() = default;

void RecordingObserver::begin(const std::vector<std::string>& warnings,
                              const std::vector<std::string>& notes, size_t trials) {
  directory_.write_run(*document_);
  for (const std::string& warning : warnings) progress_.note("warning: " + warning);
  for (const std::string& warning : directory_.earlier().warnings()) {
    progress_.note("warning: " + warning);
  }
  for (const std::string& note : notes) progress_.note("note: " + note);
  left_ = trials;
  measuring_begins();
}

void RecordingObserver::record(const Record& record) {
  directory_.append(record, sentinels_);
  records_.push_back(record);
  if (left_ > 0) --left_;
  progress_.trial_finished(record);
}

void RecordingObserver::trial_started(const Trial& trial) {
  progress_.trial_started(trial);
}

void RecordingObserver::burst_done(const Trial& trial, const Summary& so_far) {
  progress_.estimate(trial, so_far.median, so_far.half_width());
}

void RecordingObserver::device_busy(double milliseconds) {
  harness_.busy_seconds += milliseconds * 1e-3;
}

void RecordingObserver::device_opened(const DeviceFacts& facts) {
  add_device(document_.get(), facts);
}

// Plans made ahead are no measuring: neither the time left nor the efficiency is told from them.
void RecordingObserver::measuring_begins() {
  began_ = clock_.now();
  progress_.start(records_.size() + left_, records_.size());
}

void RecordingObserver::note(const std::string& line) {
  progress_.note(line);
}

void RecordingObserver::end(const std::string& status, uint64_t secret_seed, bool can_write) {
  progress_.finish();
  harness_.wall_seconds = seconds_between(began_, clock_.now());
  harness_ = add_harness_time(document_.get(), harness_);
  close_document(document_.get(), status, secret_seed);
  if (can_write) directory_.write_run(*document_);
}

}  // namespace attnbench
