// Any bytes as a results.jsonl: each line is either a warning or a record, and a record that could
// be read can be written and read back as the same one.
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "fuzz/fuzz.h"
#include "store/record_set.h"

namespace attnbench {
namespace {

void require_round_trip(const Record& record) {
  std::string text;
  try {
    text = dump_json(to_json(record, Sentinels{})) + "\n";
  } catch (const Error& error) {
    require(false, "a record that was read can be written", error.line());
  }
  const RecordSet again = parse_records(text, "again.jsonl");
  require(again.warnings().empty() && again.records().size() == 1, "what is written can be read",
          text);
  require(dump_json(to_json(again.records().front(), Sentinels{})) + "\n" == text,
          "a record survives its own JSON", text);
}

}  // namespace
}  // namespace attnbench

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace attnbench;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const RecordSet set = parse_records(text, "fuzz.jsonl");
  for (const Record& record : set.records()) {
    require(set.find(record.trial_id) == &record, "a record is found by its id", record.trial_id);
    require_round_trip(record);
  }
  return 0;
}
