// What a command line asks for, as plain values. options.cpp fills it; the verbs read it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/error.h"
#include "model/settings.h"
#include "validate/checks.h"

namespace attnbench {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFault = 1;       // a trial failed by a provider's or our fault
inline constexpr int kExitUsage = 2;       // nothing was run: the command line, a sweep, a place
inline constexpr int kExitRegression = 3;  // `compare --fail-on-regression` found one
inline constexpr int kExitStopped = 130;   // Ctrl-C or SIGTERM

struct RunArguments {
  std::string sweep;  // a name or a path; may be empty with --resume
  std::filesystem::path out;
  std::filesystem::path resume;
  std::vector<std::string> providers;
  std::vector<std::string> overlays;
  std::vector<std::string> axes;
  std::vector<std::string> filters;
  std::vector<std::filesystem::path> provider_dirs;
  std::optional<Effort> effort;
  std::optional<uint64_t> seed;
  bool is_dry_run = false;

  bool changes_sweep() const {
    return !providers.empty() || !overlays.empty() || !axes.empty() || !filters.empty() || effort ||
           seed;
  }
};

struct ListArguments {
  std::string subject;  // "providers", "sweeps", "devices"
  std::vector<std::filesystem::path> provider_dirs;
  bool is_json = false;
  bool is_verbose = false;
};

struct ReportArguments {
  std::filesystem::path run_directory;
  bool is_markdown = false;  // print a table instead of writing files
  bool is_opened = false;    // show the page in a browser
  // The run for other tools, instead of its report; empty: not wanted.
  std::filesystem::path sqlite_file, nvbench_file, google_benchmark_file;

  bool is_export() const {
    return !sqlite_file.empty() || !nvbench_file.empty() || !google_benchmark_file.empty();
  }
};

struct CompareArguments {
  std::vector<std::filesystem::path> runs;  // base and new; one: two providers of it
  std::vector<std::string> providers;       // base and new, or one of both runs; may be empty
  std::filesystem::path json_file, html_file;
  double min_effect_percent = 1.0;
  bool is_anyway = false;  // even where the runs measured under different conditions
  bool fails_on_regression = false;
};

struct MergeArguments {
  std::vector<std::filesystem::path> runs;
  std::filesystem::path out;
};

struct ReproArguments {
  std::string trial_id;  // or the beginning of one
  std::filesystem::path run_directory;
  std::vector<std::filesystem::path> provider_dirs;
  bool is_profile = false;
};

struct ValidateArguments {
  std::vector<std::string> providers;  // empty: all that are installed
  Level level = Level::contract;
  std::string filter;
  std::filesystem::path json_file;
  std::vector<std::filesystem::path> provider_dirs;
  bool is_matrix = false;
  bool is_verbose = false;
};

struct DoctorArguments {
  std::vector<std::filesystem::path> provider_dirs;
  bool is_json = false;
  bool is_strict = false;  // a warning makes the exit code 1
};

struct HelpArguments {
  std::string topic;  // a verb, or "" for the first page
};
struct VersionArguments {};

using Arguments = std::variant<RunArguments, ListArguments, ReportArguments, CompareArguments,
                               MergeArguments, ReproArguments, ValidateArguments, DoctorArguments,
                               HelpArguments, VersionArguments>;

// A mistake on the command line.
class UsageError : public Error {
 public:
  using Error::Error;
};

}  // namespace attnbench
