// The files that a run leaves for people and for other programs, all made again from its records at
// any time: summary.csv beside the records, and in report/ index.html, which is the page to open, a
// CSV and a PNG per plot, results.html and plots.gnuplot, which draws the pictures.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/json.h"
#include "model/record.h"
#include "report/gnuplot.h"
#include "sweep/expand.h"

namespace attnbench {

inline constexpr const char* kSummaryFile = "summary.csv";
inline constexpr const char* kPageFile = "index.html";
inline constexpr const char* kPicturesFile = "results.html";
inline constexpr const char* kScriptFile = "plots.gnuplot";

struct StaticReport {
  size_t plots = 0;
  std::filesystem::path page;
  std::string warning;  // why there are no pictures, or not all; empty if there are
};

// `run` is run.json. Throws Error if a file cannot be written; a gnuplot that is missing or fails
// costs the pictures only.
StaticReport write_static_report(const Json& run, const Plan& plan,
                                 const std::vector<Record>& records,
                                 const std::filesystem::path& run_directory,
                                 const Gnuplot& gnuplot);

}  // namespace attnbench
