// The records of a run, as read back from results.jsonl. Reading needs no lock: a run can be looked
// at while it goes on.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/record.h"

namespace attnbench {

class RecordSet {
 public:
  // In the order of each trial's first record; of several records of one trial the last counts.
  const std::vector<Record>& records() const { return records_; }
  const Record* find(const std::string& trial_id) const;  // nullptr: no such trial
  // What was passed over and why, one line each, with file and line number.
  const std::vector<std::string>& warnings() const { return warnings_; }

  void add(Record record, std::string_view where);
  void warn(std::string warning) { warnings_.push_back(std::move(warning)); }

 private:
  std::vector<Record> records_;
  std::unordered_map<std::string, size_t> position_by_id_;
  std::vector<std::string> warnings_;
};

// A line that is no record, and a last line without its line break, become warnings: one bad line
// must not cost the others. `file` is how they name the text.
RecordSet parse_records(std::string_view text, const std::string& file);
// Throws Error if the file cannot be read.
RecordSet read_records(const std::filesystem::path& results_file);

// Bytes up to and with the last line break: what lies behind is a torn line.
size_t whole_lines_length(std::string_view text);

}  // namespace attnbench
