#include "provider/discovery.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/hash.h"
#include "base/text.h"

namespace attnbench {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSuffix = ".provider.so";

// Whoever may write into a directory on the path decides what the worker runs.
std::optional<std::string> why_not_trusted(const fs::path& directory) {
  struct stat status = {};
  if (::stat(directory.c_str(), &status) != 0) return std::strerror(errno);
  if ((status.st_mode & S_IWOTH) == 0) return std::nullopt;
  return fmt::format("anybody may write to this directory -- chmod o-w {}", directory.string());
}

class Finder {
 public:
  Discovery found;

  void look_into(const fs::path& directory, bool with_subdirectories) {
    std::error_code error;
    if (!fs::is_directory(directory, error)) return;
    const fs::path canonical = fs::canonical(directory, error);
    if (error || !seen_directories_.insert(canonical).second) return;
    if (const std::optional<std::string> reason = why_not_trusted(canonical)) {
      found.refused.push_back({canonical.string(), *reason});
      return;
    }
    std::vector<fs::path> files, directories;
    for (fs::directory_iterator entry(canonical, error), end; !error && entry != end;
         entry.increment(error)) {
      std::error_code ignored;  // a dangling link is neither file nor directory
      if (entry->is_directory(ignored)) {
        directories.push_back(entry->path());
      } else if (entry->path().filename().string().ends_with(kSuffix)) {
        files.push_back(entry->path());
      }
    }
    if (error) found.refused.push_back({canonical.string(), error.message()});
    std::sort(files.begin(), files.end());
    std::sort(directories.begin(), directories.end());
    for (const fs::path& file : files) take(file);
    if (!with_subdirectories) return;
    for (const fs::path& subdirectory : directories) look_into(subdirectory, false);
  }

 private:
  void take(const fs::path& file) {
    struct stat status = {};
    if (::stat(file.c_str(), &status) != 0) {
      found.refused.push_back({file.string(), std::strerror(errno)});
      return;
    }
    if (!S_ISREG(status.st_mode)) return;
    if (!seen_files_.emplace(status.st_dev, status.st_ino).second) return;
    try {
      const int64_t mtime_ns = status.st_mtim.tv_sec * 1'000'000'000LL + status.st_mtim.tv_nsec;
      found.files.push_back({fs::canonical(file).string(), status.st_dev, status.st_ino,
                             static_cast<uint64_t>(status.st_size), mtime_ns,
                             sha256_of_file(file)});
    } catch (const Error& unreadable) {
      found.refused.push_back({file.string(), unreadable.line()});
    }
  }

  std::set<fs::path> seen_directories_;
  std::set<std::pair<dev_t, ino_t>> seen_files_;
};

}  // namespace

std::vector<fs::path> search_path(const SearchPlaces& places) {
  std::vector<fs::path> candidates;
  for (const fs::path& flag : places.from_flags) candidates.push_back(fs::absolute(flag));
  for (const std::string& entry : split(places.provider_path, ':')) candidates.emplace_back(entry);
  if (!places.data_home.empty()) candidates.push_back(places.data_home / "attnbench/providers");
  if (!places.executable_dir.empty()) {
    candidates.push_back(places.executable_dir / "../lib/attnbench/providers");
  }
  candidates.push_back(places.install_dir);
  std::vector<fs::path> path;
  for (const fs::path& candidate : candidates) {
    if (!candidate.is_absolute()) continue;
    const fs::path directory = candidate.lexically_normal();
    if (std::find(path.begin(), path.end(), directory) == path.end()) path.push_back(directory);
  }
  return path;
}

Discovery find_provider_files(const std::vector<fs::path>& search_path) {
  Finder finder;
  for (const fs::path& directory : search_path) finder.look_into(directory, true);
  return std::move(finder.found);
}

}  // namespace attnbench
