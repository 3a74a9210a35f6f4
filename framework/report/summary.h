// What a run says at its end: the table of results, how many trials ended how, and the first
// failures in words. Pure: records in, text out.
#pragma once

#include <string>
#include <vector>

#include "model/record.h"
#include "report/terminal_text.h"

namespace attnbench {

inline constexpr size_t kMaxTableRows = 200;  // more is for the files, not for a terminal
inline constexpr size_t kMaxFailures = 10;

// One row a record, rivals of one case under each other; what all share stands in one line above.
std::string results_table(const std::vector<Record>& records, const TerminalStyle& style);

// The same with every row, as Markdown.
std::string results_markdown(const std::vector<Record>& records);

// "24 trials: 20 ok, 3 unsupported, 1 crashed".
std::string outcome_counts(const std::vector<Record>& records);

// Failures, faults before answers, like ones counted together; "" without any.
std::string first_failures(const std::vector<Record>& records, const TerminalStyle& style);

// Warnings of trials, like ones counted together; "" without any.
std::string warnings_text(const std::vector<Record>& records);

// All of the above, as `run` prints it.
std::string run_summary(const std::vector<Record>& records, const TerminalStyle& style);

// How a run's time was spent. Busy: from the start of each burst's heat-up to the end of its last
// sample. Wall: from the first trial to the last; loading, compiling, checking and references are
// what lies between the two.
struct HarnessTime {
  double busy_seconds = 0.0, wall_seconds = 0.0;
  double efficiency() const { return wall_seconds > 0.0 ? busy_seconds / wall_seconds : 0.0; }
};

// "harness efficiency 0.71: 42.6 s of 60.0 s in heat-ups, warm-ups and bursts"; "" for no run.
std::string harness_text(const HarnessTime& time);

// A trial that is the provider's or our fault makes the exit code 1; an answer does not.
bool has_fault(const std::vector<Record>& records);

}  // namespace attnbench
