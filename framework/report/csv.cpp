#include "report/csv.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

#include "base/text.h"
#include "report/terminal_text.h"

namespace attnbench {
namespace {

// Columns of trials_csv around those of the options, in the order of a reader's questions.
constexpr const char* kWho[] = {"trial_id", "provider"};
constexpr const char* kWhat[] = {"device",          "mode",
                                 "dtype",           "batch",
                                 "heads",           "kv_heads",
                                 "seqlen_q",        "seqlen_kv",
                                 "head_dim",        "layout",
                                 "causal",          "bias",
                                 "scale",           "outcome",
                                 "detail",          "median_ms",
                                 "ci_low_ms",       "ci_high_ms",
                                 "min_ms",          "p20_ms",
                                 "p80_ms",          "mean_ms",
                                 "tflops",          "gbps",
                                 "peak_fraction",   "floor_ms",
                                 "sample_count",    "warmup_calls",
                                 "stop_reason",     "prepare_ms",
                                 "max_error",       "interleaved",
                                 "attempts",        "provider_version",
                                 "provider_sha256", "started_utc",
                                 "wall_seconds",    "message"};

std::string cell_of(const Json& record, const std::string& key) {
  const Json::const_iterator value = record.find(key);
  if (value == record.end() || value->is_null()) return "";
  if (value->is_string()) return csv_cell(value->get<std::string>());
  return dump_json(*value);
}

std::string number_text(double number) {
  return fmt::format("{:.6f}", number);
}

std::string point_text(const FigurePoint& point, const Sentinels& sentinels) {
  if (!point.is_planned) return "";
  const Outcome outcome = point.record == nullptr ? Outcome::not_run : point.record->outcome;
  return number_text(sentinel_ms(outcome, point.median_ms, sentinels));
}

}  // namespace

std::string csv_cell(std::string_view text) {
  std::string cell = printable(text);
  const bool is_formula =
      !cell.empty() && std::string_view("=+-@").find(cell.front()) != std::string_view::npos;
  if (is_formula) cell.insert(0, "'");
  if (cell.find_first_of(",\"") == std::string::npos) return cell;
  std::string quoted = "\"";
  for (const char letter : cell) {
    if (letter == '"') quoted += '"';
    quoted += letter;
  }
  return quoted + '"';
}

std::string seed_csv(const Figure& figure, const Sentinels& sentinels) {
  std::string text = csv_cell(figure.x_name);
  for (const FigureLine& line : figure.lines) {
    if (!line.is_overlay) text += "," + csv_cell(line.label);
  }
  text += "\n";
  for (size_t x = 0; x < figure.x_values.size(); ++x) {
    text += figure.is_x_number ? number_text(figure.x_values[x]) : csv_cell(figure.x_labels[x]);
    for (const FigureLine& line : figure.lines) {
      if (!line.is_overlay) text += "," + point_text(line.points[x], sentinels);
    }
    text += "\n";
  }
  return text;
}

std::string trials_csv(const std::vector<Record>& records, const Sentinels& sentinels) {
  std::set<std::string> options;
  for (const Record& record : records) {
    for (const auto& [name, value] : record.trial.options) options.insert(name);
  }
  std::vector<std::string> keys(std::begin(kWho), std::end(kWho));
  keys.insert(keys.end(), options.begin(), options.end());
  keys.insert(keys.end(), std::begin(kWhat), std::end(kWhat));

  std::vector<std::string> cells;
  for (const std::string& key : keys) cells.push_back(csv_cell(key));
  std::string text = join(cells, ",") + "\r\n";
  for (const Record& record : records) {
    const Json json = to_json(record, sentinels);
    cells.clear();
    for (const std::string& key : keys) cells.push_back(cell_of(json, key));
    text += join(cells, ",") + "\r\n";
  }
  return text;
}

}  // namespace attnbench
