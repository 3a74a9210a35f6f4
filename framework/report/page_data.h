// What index.html knows of a run. The page opens with `overview`: the run, its plots, and the
// numbers of every trial as columns. The rest of each record and the samples lie apart, since most
// readers open few trials or none.
//
// Lesson: a page has no room for every sample of ten thousand trials. It gets up to 64 of each,
// evenly spread over the time they were taken in, as 16 bits between the trial's smallest and
// largest. What it shows as a number (median, interval, rate) is the record's own, to the last
// digit.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/json.h"
#include "model/record.h"
#include "sweep/expand.h"

namespace attnbench {

inline constexpr size_t kSamplesShown = 64;

struct PageData {
  std::string overview;  // JSON
  std::string details;   // JSON: one object a trial, in the order of the overview's columns
  // For each ok trial in that order: its shown samples, then their rounds; little-endian 16 bits.
  std::string samples;
};

// `run` is run.json, as far as it is known; `records` are in the order to be shown.
PageData page_data(const Json& run, const Plan& plan, const std::vector<Record>& records);

}  // namespace attnbench
