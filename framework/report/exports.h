// A run in the formats of other people's tools. Pure: text out; sqlite_export.h writes a file.
//
// Lesson: neither format has a word for a trial that failed and has no time. Google Benchmark's
// compare.py takes the geometric mean of whatever is listed, a zero included; so failures stand
// beside the list, in "context". NVBench has "is_skipped" with a reason.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "model/record.h"

namespace attnbench {

// One "iteration" a sample, as a run with --benchmark_repetitions writes them, so that compare.py's
// U test has what it needs. There is no CPU time: cpu_time repeats real_time.
std::string google_benchmark_json(const Json& run, const std::vector<Record>& records);

// One benchmark a provider, one state a trial, summaries under NVBench's tags for isolated ("cold")
// measurements; a CPU's times stand under "gpu" too, since its tools look nowhere else.
std::string nvbench_json(const Json& run, const std::vector<Record>& records);

}  // namespace attnbench
