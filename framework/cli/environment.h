// All that the program takes from its surroundings, read once, here and nowhere else: environment
// variables, terminal, own place on disk.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cli/arguments.h"
#include "cli/library_search.h"
#include "provider/discovery.h"
#include "report/progress.h"

namespace attnbench {

struct Environment {
  std::filesystem::path executable_dir;
  std::filesystem::path config_home, data_home, cache_home;  // XDG; empty without a home
  std::string provider_path;                                 // ATTNBENCH_PROVIDER_PATH
  std::vector<std::string> worker_environment;               // what a worker may see
  std::vector<std::string> whole_environment;  // what it may see under a profiler, which needs it
  std::filesystem::path gnuplot, xdg_open;     // found on PATH; empty: not installed
  LibraryHints library_hints;
  ProgressStyle progress;  // of stderr
  TerminalStyle output;    // of stdout
};
Environment read_environment();

// Where things are. A build tree is laid out like an installed one (bin, lib/attnbench/providers,
// share/attnbench/sweeps), so all is found from the executable and no path is compiled in but the
// install prefix's provider directory.
std::filesystem::path find_worker(const Environment& environment);  // throws Error
std::vector<std::filesystem::path> sweep_directories(const Environment& environment);
SearchPlaces provider_places(const Environment& environment,
                             const std::vector<std::filesystem::path>& from_flags);

}  // namespace attnbench
