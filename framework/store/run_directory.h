// The directory that a run writes: made new or taken up again, by one process at a time.
//
// Lesson: what a power cut or a full disk leaves behind is decided by the order of writes. Each
// record is one write followed by one fsync before the next trial starts, so a run loses at most
// the record it was writing, and that one shows by its missing line break.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/descriptor.h"
#include "base/file.h"
#include "base/json.h"
#include "model/record.h"
#include "store/record_set.h"

namespace attnbench {

inline constexpr const char* kRunFile = "run.json";
inline constexpr const char* kResultsFile = "results.jsonl";
inline constexpr const char* kLogsFolder = "logs";
inline constexpr const char* kReportFolder = "report";

class RunDirectory {
 public:
  // Makes the directory, and those above it. Throws Error if there is anything in it already, if
  // another process writes in it, or if it cannot be written.
  static RunDirectory create(const std::filesystem::path& path);
  // Takes up a run that ended early: cuts off a torn last line and reads the records that are there
  // (earlier()). Throws Error if this is no run directory or another process writes in it.
  static RunDirectory resume(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path logs() const { return path_ / kLogsFolder; }
  const RecordSet& earlier() const { return earlier_; }  // empty for a new run

  void write_run(const Json& run);  // run.json, as a whole
  // One line, on disk when this returns. Throws Error if it could not be written; what was there
  // before stays as it was.
  void append(const Record& record, const Sentinels& sentinels);

 private:
  RunDirectory(std::filesystem::path path, Descriptor lock);

  std::filesystem::path path_;
  Descriptor lock_;
  RecordSet earlier_;
  std::optional<AppendFile> results_;
};

// run.json of a run, without a lock. Throws Error if it is missing or no JSON.
Json read_run(const std::filesystem::path& run_directory);

}  // namespace attnbench
