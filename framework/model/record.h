// Record: all that is known of one finished trial. The waist of the hourglass: everything left of
// it produces records, everything right of it (store, report, compare) only reads them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "model/outcome.h"
#include "model/statistics.h"
#include "model/trial.h"

namespace attnbench {

// Facts of the plan, as the provider reported them.
struct KernelInfo {
  std::string name;
  int64_t regs_per_thread = 0, spill_bytes = 0, smem_bytes = 0;
  std::vector<int64_t> grid, block, cluster;
};
struct PlanFacts {
  Options resolved_options;  // every declared option as finally used
  uint64_t workspace_bytes = 0;
  bool graph_safe = false;
  bool deterministic = false;
  std::vector<KernelInfo> kernels;
};

// Error of one output against the fp64 reference. Norms are written down in reference/compare.h.
struct RoleError {
  std::string role;            // "o", "lse", "dq", "dk", "dv"
  double max_error = 0.0;      // largest |got - reference| over the checked rows
  double allowed_error = 0.0;  // what the verdict compared it with
  int64_t rows = 0;            // rows checked, over all checks of the trial
};

struct Record {
  std::string trial_id;
  Trial trial;
  Outcome outcome = Outcome::not_run;
  std::string detail;   // stable kebab-case code: "shared-memory", "signal-11", "deadline-execute"
  std::string message;  // one line that names the limit or the reason; empty when ok
  std::vector<std::string> warnings;

  // Measured: empty unless ok.
  std::vector<double> samples_ms;
  std::vector<int> sample_rounds;  // the round that each sample belongs to
  std::string stop_reason;         // "converged", "budget", "max_samples"
  int warmup_calls = 0;
  std::optional<double> peak_tflops;  // of the device, where known; else no plausibility gate
  std::optional<double> floor_ms;     // the roofline's lower bound, where known

  // Known as far as the trial came.
  std::optional<double> prepare_ms;
  std::optional<PlanFacts> plan;
  std::vector<RoleError> errors;
  bool interleaved = true;
  int attempts = 1;               // 2: retried alone after a death
  std::string state_json = "[]";  // as text: one object per burst, as the worker sent it
  std::string provider_sha256;
  std::string provider_version;
  std::string started_utc;
  double wall_seconds = 0.0;

  bool is_ok() const { return outcome == Outcome::ok; }
  double max_error() const;  // over all roles; 0 when nothing was compared
};

// One flat object; the keys of the README's table. Problem fields and options stand at top level
// under their own names. Measured keys (median_ms, ci_low_ms, ci_high_ms, min_ms, p20_ms, p80_ms,
// mean_ms, tflops, gbps, peak_fraction, sample_count, samples_ms, sample_rounds, stop_reason,
// warmup_calls) are null unless ok; sentinel_ms is always a number. Throws Error on an ok record
// without finite samples.
Json to_json(const Record& record, const Sentinels& sentinels);
// The other way: what to_json derives (median_ms, tflops, ...) is left aside. Keys that a newer
// attnbench added are ignored, later keys that an older one lacks take their defaults.
Record record_from_json(const Json& json);  // throws Error on what is no record

// True for the name of a field, which an option must not have: both stand at top level.
bool is_record_key(std::string_view name);

}  // namespace attnbench
