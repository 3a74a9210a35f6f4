#include "cli/library_search.h"

#include <algorithm>
#include <fstream>

#include "base/text.h"
#include "model/inspection.h"

namespace attnbench {
namespace {

namespace fs = std::filesystem;
using Paths = std::vector<fs::path>;

struct Candidate {
  fs::path directory;
  bool is_loaders = false;
};

// Sorted; nothing if there is no such directory.
Paths entries(const fs::path& directory) {
  Paths found;
  std::error_code missing;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, missing)) {
    found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

// What ldconfig was told: the lines of its configuration that are directories.
Paths configured_directories(const fs::path& root) {
  Paths directories;
  for (const fs::path& file : entries(root / "etc/ld.so.conf.d")) {
    std::ifstream stream(file);
    for (std::string line; std::getline(stream, line);) {
      const fs::path directory(trim(line));
      if (directory.is_absolute()) directories.push_back(root / directory.relative_path());
    }
  }
  for (const char* standard : {"lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu", "lib64",
                               "usr/lib64", "lib", "usr/lib"}) {
    directories.push_back(root / standard);
  }
  return directories;
}

// pip's nvidia-* packages: nvidia/<package>/lib below a Python's packages.
Paths pip_directories(const fs::path& python_root) {
  Paths directories;
  for (const fs::path& python : entries(python_root / "lib")) {
    if (!python.filename().string().starts_with("python3")) continue;
    for (const char* packages : {"site-packages", "dist-packages"}) {
      for (const fs::path& package : entries(python / packages / "nvidia")) {
        directories.push_back(package / "lib");
      }
    }
  }
  return directories;
}

Paths toolkits(const fs::path& root, const LibraryHints& hints) {
  Paths found = hints.toolkits;
  if (!hints.nvcc.empty()) {
    std::error_code missing;
    const fs::path real = fs::canonical(hints.nvcc, missing);
    if (!missing) found.push_back(real.parent_path().parent_path());
  }
  found.push_back(root / "usr/local/cuda");
  found.push_back(root / "opt/cuda");
  return found;
}

// In the order in which they win: what the user named, what the loader knows, what we go and find.
std::vector<Candidate> candidates(const fs::path& root, const LibraryHints& hints) {
  std::vector<Candidate> all;
  const auto add = [&all](const Paths& directories, bool is_loaders) {
    for (const fs::path& directory : directories) all.push_back({directory, is_loaders});
  };
  for (const std::string& directory : split(hints.loader_path, ':')) {
    if (!directory.empty()) all.push_back({directory, true});
  }
  for (const fs::path& toolkit : hints.toolkits) add({toolkit / "lib64", toolkit / "lib"}, false);
  add(configured_directories(root), true);
  for (const fs::path& toolkit : toolkits(root, hints)) {
    add({toolkit / "lib64", toolkit / "lib"}, false);
  }
  for (const fs::path& python : hints.python_roots) add(pip_directories(python), false);
  for (const char* python : {"usr/local", "usr"}) add(pip_directories(root / python), false);
  return all;
}

}  // namespace

std::vector<LibraryPlace> find_libraries(const fs::path& root, const LibraryHints& hints) {
  const std::vector<Candidate> all = candidates(root, hints);
  std::vector<LibraryPlace> places;
  for (const CudaLibrary& library : kCudaLibraries) {
    LibraryPlace place{library.file, {}, false};
    std::error_code missing;
    for (const Candidate& candidate : all) {
      if (!fs::exists(candidate.directory / library.file, missing)) continue;
      place.directory = candidate.directory;
      place.is_loaders = candidate.is_loaders;
      break;
    }
    places.push_back(std::move(place));
  }
  return places;
}

std::string worker_loader_path(const LibraryHints& hints, const std::vector<LibraryPlace>& places) {
  std::vector<std::string> directories;
  if (!hints.loader_path.empty()) directories.push_back(hints.loader_path);
  for (const LibraryPlace& place : places) {
    const std::string directory = place.directory.string();
    const bool is_known = place.is_loaders || directory.empty();
    if (is_known || std::count(directories.begin(), directories.end(), directory) > 0) continue;
    directories.push_back(directory);
  }
  return join(directories, ":");
}

fs::path find_toolkit(const fs::path& root, const LibraryHints& hints) {
  std::error_code missing;
  for (const fs::path& toolkit : toolkits(root, hints)) {
    if (fs::exists(toolkit / "bin/nvcc", missing)) return toolkit;
  }
  return {};
}

}  // namespace attnbench
