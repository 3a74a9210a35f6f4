#include "store/record_set.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "base/file.h"

namespace attnbench {

const Record* RecordSet::find(const std::string& trial_id) const {
  const auto found = position_by_id_.find(trial_id);
  return found == position_by_id_.end() ? nullptr : &records_[found->second];
}

void RecordSet::add(Record record, std::string_view where) {
  const auto [found, is_new] = position_by_id_.try_emplace(record.trial_id, records_.size());
  if (is_new) {
    records_.push_back(std::move(record));
    return;
  }
  warn(fmt::format("{}: trial {} is there again; its last record counts", where, record.trial_id));
  records_[found->second] = std::move(record);
}

size_t whole_lines_length(std::string_view text) {
  const size_t last_break = text.rfind('\n');
  return last_break == std::string_view::npos ? 0 : last_break + 1;
}

RecordSet parse_records(std::string_view text, const std::string& file) {
  const size_t whole_length = whole_lines_length(text);
  std::string_view rest = text.substr(0, whole_length);
  RecordSet set;
  size_t line_number = 0;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(line.size() + 1);
    const std::string where = fmt::format("{}:{}", file, ++line_number);
    try {
      set.add(record_from_json(parse_json(line, where)), where);
    } catch (const Error& error) {
      set.warn(fmt::format("{}: no record, passed over ({})", where, error.line()));
    }
  }
  if (whole_length < text.size()) {
    set.warn(fmt::format("{}:{}: torn last line of {} bytes, passed over", file, line_number + 1,
                         text.size() - whole_length));
  }
  return set;
}

RecordSet read_records(const std::filesystem::path& results_file) {
  return parse_records(read_file(results_file), results_file.string());
}

}  // namespace attnbench
