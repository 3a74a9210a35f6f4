#include "sweep/find.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <system_error>

#include "base/file.h"
#include "base/text.h"
#include "sweep/parse.h"

namespace attnbench {
namespace {

namespace fs = std::filesystem;

struct NamedFile {
  std::string name;
  fs::path path;
};

std::vector<NamedFile> sweep_files(const std::vector<fs::path>& directories) {
  std::vector<NamedFile> files;
  std::set<std::string> names;
  for (const fs::path& directory : directories) {
    std::vector<fs::path> paths;
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator(directory, error)) {
      if (entry.path().extension() == ".toml") paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());
    for (const fs::path& path : paths) {
      if (names.insert(path.stem().string()).second) files.push_back({path.stem().string(), path});
    }
  }
  std::sort(files.begin(), files.end(),
            [](const NamedFile& left, const NamedFile& right) { return left.name < right.name; });
  return files;
}

Sweep load_file(const fs::path& path) {
  return parse_sweep(read_file(path), path.string());
}

}  // namespace

std::vector<SweepListing> list_sweeps(const std::vector<fs::path>& directories) {
  std::vector<SweepListing> listings;
  for (const NamedFile& file : sweep_files(directories)) {
    SweepListing listing{file.name, file.path, "", ""};
    try {
      listing.description = load_file(file.path).description;
    } catch (const Error& error) {
      listing.error = error.line();
    }
    listings.push_back(std::move(listing));
  }
  return listings;
}

Sweep load_sweep(const std::string& name_or_path, const std::vector<fs::path>& directories) {
  if (name_or_path.find('/') != std::string::npos || name_or_path.ends_with(".toml")) {
    return load_file(name_or_path);
  }
  std::vector<std::string> names;
  for (const NamedFile& file : sweep_files(directories)) {
    if (file.name == name_or_path) return load_file(file.path);
    names.push_back(file.name);
  }
  const std::string all = names.empty() ? "none was found" : "there are: " + join(names, ", ");
  std::string hint = all + "; or give a path";
  if (!names.empty()) {
    const auto closest = closest_match(name_or_path, names);
    if (closest) hint = fmt::format("did you mean \"{}\"? {}", *closest, hint);
  }
  throw Error(fmt::format("no sweep is called \"{}\"", name_or_path), hint);
}

}  // namespace attnbench
