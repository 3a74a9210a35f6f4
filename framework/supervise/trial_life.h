// A trial's life, from its worker to its record, as steps that case_run.h interleaves with those of
// other trials:
//
// - get_ready: a worker with the case's tensors, a plan, the proof that both variants come out
// right;
// - burst: some samples, then secret rows of the last timed call compared;
// - conclude: guard bands, inputs, late writes; roofline; release.
//
// A step returns how the trial ended, if it did. What an end means (retry or record) is not decided
// here.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "measure/stopping.h"
#include "supervise/references.h"
#include "supervise/run_context.h"

namespace attnbench {

struct End {
  Outcome outcome = Outcome::ok;
  std::string detail;
  std::string message;
  bool has_lost_worker = false;  // a death, or a poisoned device: says little about this trial yet
};

class TrialLife {
 public:
  // Borrows all of them.
  TrialLife(RunContext& context, References& references, const Trial& trial,
            const ProviderInfo& provider);

  const Trial& trial() const { return trial_; }
  const ProviderInfo& provider() const { return provider_; }
  const Record& record() const { return record_; }

  bool is_ready() const;  // false again after another trial has cost it the worker
  std::optional<End> get_ready();
  std::optional<End> burst(int round);
  bool has_enough() const { return decision_.has_to_stop; }
  // Has enough, but may be measured while others of its case have not.
  bool can_go_on() const;
  // What the passes so far did beside their work: out of bounds, to inputs, too late.
  std::optional<End> check_manners();
  End conclude();

  // Device memory that the plan holds, beside the case's tensors.
  uint64_t workspace_bytes() const;
  void release();  // ends the plan, keeps the samples; a death in it is noted, not blamed
  // For another try with the device to itself: nothing is kept. A retry counts as an attempt.
  void start_over(bool is_retry);
  void warn(const std::string& warning);
  // The record as it is to be stored. Measured fields stay only if the end is ok.
  Record recorded(const End& end);

 private:
  void begin(int attempts, bool is_interleaved, std::string started_utc);
  std::optional<End> prepare(WorkerClient& worker);
  std::optional<End> verify(WorkerClient& worker);
  std::optional<End> compare_rows(WorkerClient& worker, int variant);
  std::optional<End> compare_sums(WorkerClient& worker, int variant);
  std::optional<End> judge_errors(std::vector<RoleComparison> comparisons);
  std::optional<End> explained(const std::optional<End>& wrong);
  std::optional<End> take_burst(const BurstReply& reply, int round);
  int further_samples() const;
  BurstRequest next_burst();
  void keep_errors(const std::vector<RoleComparison>& comparisons);
  std::optional<End> check_floor();
  void expect_duration(double call_ms);

  RunContext& context_;
  References& references_;
  const Trial& trial_;
  const ProviderInfo& provider_;
  StoppingRule rule_;
  Record record_;
  Decision decision_;
  double spent_s_ = 0.0;
  double estimate_ms_ = 0.0;
  std::vector<std::string> states_;
  WorkerClient* worker_ = nullptr;  // the pool's; good while generation_ is the living one
  int generation_ = 0;
  uint64_t noise_bytes_ = 0;
  std::chrono::steady_clock::time_point started_;
};

}  // namespace attnbench
