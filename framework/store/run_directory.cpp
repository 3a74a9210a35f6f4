#include "store/run_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"

namespace attnbench {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLockFile = ".lock";

void make_directories(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) {
    throw Error(fmt::format("cannot make the directory {}: {}", path.string(), error.message()),
                "choose another with --out");
  }
}

// The kernel gives the lock back when the process ends, however it ends, so a lock never goes
// stale.
Descriptor lock_directory(const fs::path& path) {
  const fs::path lock_path = path / kLockFile;
  Descriptor lock(::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  if (!lock.is_open()) {
    throw Error(fmt::format("cannot write in {}: {}", path.string(), std::strerror(errno)),
                "choose a writable directory with --out");
  }
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno == EWOULDBLOCK) {
    throw Error(fmt::format("{} is in use by another attnbench process", path.string()),
                "wait for it, or choose another directory with --out");
  }
  throw Error(fmt::format("cannot lock {}: {}", lock_path.string(), std::strerror(errno)),
              "choose a directory on a local file system with --out");
}

bool is_there(const fs::path& path) {
  std::error_code ignored;  // what cannot be looked at counts as missing
  return fs::exists(path, ignored);
}

void require_run_file(const fs::path& path) {
  if (is_there(path / kRunFile)) return;
  throw Error(fmt::format("{} is no run directory: it has no {}", path.string(), kRunFile));
}

bool is_empty_but_for_lock(const fs::path& path) {
  std::error_code error;
  const fs::directory_iterator entries(path, error);
  if (error) throw Error(fmt::format("cannot read {}: {}", path.string(), error.message()));
  return std::all_of(fs::begin(entries), fs::end(entries), [](const fs::directory_entry& entry) {
    return entry.path().filename() == kLockFile;
  });
}

void require_empty(const fs::path& path) {
  if (is_empty_but_for_lock(path)) return;
  const bool is_run = is_there(path / kRunFile);
  throw Error(fmt::format("{} is not empty", path.string()),
              is_run ? "go on with the run in it with --resume, or choose another with --out"
                     : "choose another directory with --out");
}

void cut_torn_line(const fs::path& results_file) {
  const std::string text = read_file(results_file);
  const size_t whole_length = whole_lines_length(text);
  if (whole_length == text.size()) return;
  std::error_code error;
  fs::resize_file(results_file, whole_length, error);
  if (error) {
    throw Error(fmt::format("cannot cut the torn last line off {}: {}", results_file.string(),
                            error.message()));
  }
}

}  // namespace

RunDirectory::RunDirectory(fs::path path, Descriptor lock)
    : path_(std::move(path)), lock_(std::move(lock)) {}

RunDirectory RunDirectory::create(const fs::path& path) {
  make_directories(path);
  // Twice: before the lock, so that a stranger's directory gets no lock file; after it, since
  // another process may have been quicker. Where a lock file is, "in use" is the better answer.
  if (!is_there(path / kLockFile)) require_empty(path);
  RunDirectory directory(path, lock_directory(path));
  require_empty(path);
  make_directories(directory.logs());
  directory.results_.emplace(path / kResultsFile);
  return directory;
}

RunDirectory RunDirectory::resume(const fs::path& path) {
  require_run_file(path);
  RunDirectory directory(path, lock_directory(path));
  make_directories(directory.logs());
  const fs::path results_file = path / kResultsFile;
  // Opening makes it, where the run ended before its first record.
  directory.results_.emplace(results_file);
  // Read before the cut, so that the torn line is among the warnings.
  directory.earlier_ = read_records(results_file);
  cut_torn_line(results_file);
  return directory;
}

void RunDirectory::write_run(const Json& run) {
  replace_file(path_ / kRunFile, run.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

void RunDirectory::append(const Record& record, const Sentinels& sentinels) {
  results_->append(dump_json(to_json(record, sentinels)) + "\n");
}

Json read_run(const fs::path& run_directory) {
  require_run_file(run_directory);
  const fs::path run_file = run_directory / kRunFile;
  return parse_json(read_file(run_file), run_file.string());
}

}  // namespace attnbench
