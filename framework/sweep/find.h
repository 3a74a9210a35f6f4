// Sweeps by name (in the directories that the caller searches) or by path.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "sweep/sweep.h"

namespace attnbench {

struct SweepListing {
  std::string name;
  std::filesystem::path path;
  std::string description;
  std::string error;  // a sweep that does not parse is a row with its error, not the list's end
};

// All *.toml of the directories, sorted by name. The first directory that has a name wins; a
// directory that does not exist has none.
std::vector<SweepListing> list_sweeps(const std::vector<std::filesystem::path>& directories);

// What contains a '/' or ends in ".toml" is a path, all else a name. Throws SweepError for a
// mistake in the file, Error if there is no such sweep (its hint lists those there are).
Sweep load_sweep(const std::string& name_or_path,
                 const std::vector<std::filesystem::path>& directories);

}  // namespace attnbench
