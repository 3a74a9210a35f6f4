#include "report/page_data.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>

#include "base/text.h"
#include "report/rows.h"
#include "sweep/fields.h"

namespace attnbench {
namespace {

constexpr int kNotPlanned = -1;  // the sweep has no such point
constexpr int kNotRun = -2;      // the run has not come to it

// Of run.json; what is missing there (an older attnbench wrote it) is missing on the page.
constexpr const char* kRunKeys[] = {
    "status", "started_utc", "finished_utc", "attnbench_version", "compiler", "argv",    "kernel",
    "plan",   "measure",     "devices",      "warnings",          "harness",  "resumed", "sweep"};
constexpr const char* kProviderKeys[] = {"id",     "name", "vendor",      "version",
                                         "sha256", "abi",  "description", "state",
                                         "reason", "path", "license"};
// Columns of the overview, under the names they have in results.jsonl. max_ms is added.
constexpr const char* kColumns[] = {
    "trial_id",  "provider",   "device",        "outcome",      "detail",      "message",
    "median_ms", "ci_low_ms",  "ci_high_ms",    "min_ms",       "tflops",      "gbps",
    "max_error", "prepare_ms", "peak_fraction", "sample_count", "stop_reason", "warnings"};
// Of the state of a burst: what the page's first lines sum up.
constexpr const char* kClocks[] = {"sm_clock_mhz",  "memory_clock_mhz", "power_w",
                                   "temperature_c", "cpu_mhz",          "load_average"};
constexpr const char* kWords[] = {"regime", "throttle_reasons"};

template <size_t N>
Json picked(const Json& from, const char* const (&keys)[N]) {
  Json result = Json::object();
  for (const char* key : keys) {
    const Json::const_iterator value = from.find(key);
    if (value != from.end()) result[key] = *value;
  }
  return result;
}

Json providers_of(const Json& run) {
  Json providers = Json::array();
  for (const Json& provider : run.value("providers", Json::array())) {
    providers.push_back(picked(provider, kProviderKeys));
  }
  return providers;
}

void count_words(const Json& words, std::map<std::string, int>* counts) {
  if (words.is_string()) ++(*counts)[words.get<std::string>()];
  if (!words.is_array()) return;
  for (const Json& word : words) count_words(word, counts);
}

// Range and median of every clock, and how many bursts had which regime and throttle reason.
Json clocks_of(const std::vector<Record>& records) {
  std::map<std::string, std::vector<double>> readings;
  std::map<std::string, std::map<std::string, int>> words;
  int bursts = 0;
  for (const Record& record : records) {
    for (const Json& state : parse_json(record.state_json, "state of " + record.trial_id)) {
      if (!state.is_object()) continue;
      ++bursts;
      for (const char* key : kClocks) {
        const Json::const_iterator value = state.find(key);
        if (value != state.end() && value->is_number()) readings[key].push_back(*value);
      }
      for (const char* key : kWords) {
        if (state.contains(key)) count_words(state[key], &words[key]);
      }
    }
  }
  Json clocks = {{"bursts", bursts}};
  for (const char* key : kClocks) {
    if (readings[key].empty()) continue;
    const auto [low, high] = std::minmax_element(readings[key].begin(), readings[key].end());
    clocks[key] = {{"low", *low}, {"median", median(readings[key])}, {"high", *high}};
  }
  for (const char* key : kWords) {
    if (!words[key].empty()) clocks[key] = words[key];
  }
  return clocks;
}

// The axes that a plot is chosen by: all but the one that holds x.
std::vector<size_t> axes_to_choose(const Sweep& sweep) {
  std::vector<size_t> axes;
  for (size_t a = 0; a < sweep.axes.size(); ++a) {
    const std::vector<std::string>& names = sweep.axes[a].names;
    if (std::find(names.begin(), names.end(), sweep.plot.x) == names.end()) axes.push_back(a);
  }
  return axes;
}

Json axis_json(const Axis& axis) {
  Json labels = Json::array();
  for (const Row& row : axis.rows) {
    std::vector<std::string> cells;
    for (const Cell& cell : row.cells) cells.push_back(cell.label);
    labels.push_back(join(cells, ", "));
  }
  const bool is_option = std::none_of(axis.names.begin(), axis.names.end(), is_problem_field);
  return Json{{"name", join(axis.names, ", ")}, {"labels", labels}, {"is_option", is_option}};
}

Json plot_json(const Plot& plot, const std::vector<size_t>& axes,
               const std::unordered_map<std::string, int>& positions) {
  Json at = Json::array();
  for (const size_t axis : axes) at.push_back(plot.rows[axis]);
  Json lines = Json::array();
  for (const PlotLine& line : plot.lines) {
    Json points = Json::array();
    for (const std::string& id : line.trial_ids) {
      const auto found = positions.find(id);
      points.push_back(id.empty()                 ? kNotPlanned
                       : found == positions.end() ? kNotRun
                                                  : found->second);
    }
    lines.push_back(std::move(points));
  }
  return Json{{"name", plot.name}, {"at", at}, {"points", lines}};
}

void put_plots(const Plan& plan, const std::vector<Record>& records, Json* overview) {
  std::unordered_map<std::string, int> positions;
  for (const Record& record : records) {
    positions.emplace(record.trial_id, static_cast<int>(positions.size()));
  }
  const Sweep& sweep = plan.sweep();
  const std::vector<size_t> axes = axes_to_choose(sweep);
  Json& json = *overview;
  json["axes"] = Json::array();
  for (const size_t axis : axes) json["axes"].push_back(axis_json(sweep.axes[axis]));
  json["lines"] = Json::array();
  for (const PlannedLine& line : plan.lines()) {
    json["lines"].push_back({{"label", line.line.label},
                             {"provider", line.line.id},
                             {"device", line.device},
                             {"dash", line.line.dash}});
  }
  json["x"] = {{"name", sweep.plot.x},
               {"label", sweep.plot.x_label},
               {"is_log", sweep.plot.is_x_log},
               {"is_y_log", sweep.plot.is_y_log}};
  json["plots"] = Json::array();
  plan.for_each_plot([&](const Plot& plot) {
    json["x"]["labels"] = plot.x_labels;
    json["x"]["values"] = plot.x_values;
    json["x"]["is_number"] = plot.is_x_number;
    json["plots"].push_back(plot_json(plot, axes, positions));
    return true;
  });
}

void put_16_bits(double value, std::string* bytes) {
  const unsigned number = static_cast<unsigned>(std::lround(std::clamp(value, 0.0, 65535.0)));
  *bytes += static_cast<char>(number & 255);
  *bytes += static_cast<char>(number >> 8);
}

void put_samples(const Record& record, double low, double high, std::string* bytes) {
  const std::vector<double>& samples = record.samples_ms;
  const size_t shown = std::min(samples.size(), kSamplesShown);
  const double step = high > low ? 65535.0 / (high - low) : 0.0;
  for (size_t i = 0; i < shown; ++i) {
    put_16_bits((samples[i * samples.size() / shown] - low) * step, bytes);
  }
  const std::vector<int>& rounds = record.sample_rounds;
  for (size_t i = 0; i < shown; ++i) {
    put_16_bits(rounds.empty() ? 0 : rounds[i * rounds.size() / shown], bytes);
  }
}

// The columns of the overview, the details and the samples.
std::string put_trials(const std::vector<Record>& records, const Sentinels& sentinels,
                       PageData* data, Json* overview) {
  Json columns = Json::object();
  for (const char* key : kColumns) columns[key] = Json::array();
  columns["max_ms"] = Json::array();
  Json details = Json::array();
  for (const Record& record : records) {
    Json json = to_json(record, sentinels);
    for (const char* key : kColumns) columns[key].push_back(std::move(json[key]));
    for (const char* key : kColumns) json.erase(key);
    json.erase("samples_ms");
    json.erase("sample_rounds");
    details.push_back(std::move(json));
    columns["max_ms"].push_back(nullptr);
    if (!record.is_ok()) continue;
    const auto [low, high] =
        std::minmax_element(record.samples_ms.begin(), record.samples_ms.end());
    columns["max_ms"].back() = *high;
    put_samples(record, *low, *high, &data->samples);
  }
  (*overview)["trials"] = std::move(columns);
  return dump_json(details);
}

}  // namespace

PageData page_data(const Json& run, const Plan& plan, const std::vector<Record>& records) {
  PageData data;
  const Sweep& sweep = plan.sweep();
  Json overview = {{"name", sweep.name}, {"description", sweep.description}};
  overview["run"] = picked(run, kRunKeys);
  overview["providers"] = providers_of(run);
  overview["clocks"] = clocks_of(records);
  put_plots(plan, records, &overview);
  const AxisSplit split = split_axes(records);
  overview["common"] = split.common;
  overview["varying"] = Json::array();
  for (const ResultAxis& axis : split.varying) {
    overview["varying"].push_back({{"name", axis.name}, {"values", axis.values}});
  }
  data.details = put_trials(records, sweep.sentinels, &data, &overview);
  data.overview = dump_json(overview);
  return data;
}

}  // namespace attnbench
