// Outcome: how a trial ended, and the ONE table that says what each outcome means for the sentinel,
// for the exit code and for the reader.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/enum_text.h"

namespace attnbench {

enum class Outcome {
  ok,
  out_of_memory,
  resource_exhausted,
  execution_failed,
  timed_out,
  crashed,
  wrong_result,
  implausible,
  contract_violation,
  internal_error,
  protocol_error,
  load_failed,
  init_failed,
  compile_failed,
  unsupported,
  invalid_argument,
  quarantined,
  not_run
};

// Which of the two numbers stands for a failure in the seed-compatible CSV.
enum class SentinelKind { none, execution, preparation };

struct OutcomeTraits {
  Outcome outcome;
  std::string_view text;
  SentinelKind sentinel;
  bool is_answer;            // true: a legitimate answer of a provider; the run's exit code stays 0
  std::string_view meaning;  // one phrase for tables and help
};

std::span<const OutcomeTraits> all_outcomes();
const OutcomeTraits& traits_of(Outcome outcome);
std::string_view to_text(Outcome outcome);
Outcome outcome_from_text(std::string_view text);  // throws Error

// The outcome of a status that a provider returned (status class = status / 1000, ABI.md).
// A host-only status is contract_violation; an unknown class is internal_error.
Outcome outcome_of_status(int status);
// The record's detail code for such a status: "shared-memory", "dtype"; "status-<n>" where the ABI
// gives it no name of its own.
std::string detail_of_status(int status);

struct Sentinels {
  double execution_ms = 100.0;
  double preparation_ms = 300.0;
  bool operator==(const Sentinels&) const = default;
};

// What the seed-compatible CSV shows: the median itself for ok, else the sentinel.
double sentinel_ms(Outcome outcome, double median_ms, const Sentinels& sentinels);

}  // namespace attnbench
