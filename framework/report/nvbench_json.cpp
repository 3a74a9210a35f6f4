#include <fmt/format.h>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>

#include "report/exports.h"

namespace attnbench {
namespace {

constexpr double kSecondsPerMs = 1e-3;

// NVBench writes numbers of summaries as text, so that no reader rounds an int64.
std::string number_text(double number) {
  return fmt::format("{}", number);
}

Json value_json(const std::string& name, const char* type, const std::string& value) {
  return Json{{"name", name}, {"type", type}, {"value", value}};
}

Json summary_json(const char* tag, const char* name, const char* hint, const char* type,
                  const std::string& value) {
  return Json{{"tag", tag},
              {"name", name},
              {"hint", hint},
              {"data", Json::array({value_json("value", type, value)})}};
}

// A problem's fields and the options, each an axis of NVBench's kind.
std::map<std::string, Json> axis_values_of(const Record& record) {
  std::map<std::string, Json> values;
  const auto put = [&values](const std::string& name, const Json& value) {
    if (value.is_object()) return;  // inputs: the same in all trials of a sweep
    if (value.is_number_integer()) {
      values[name] = value_json(name, "int64", value.dump());
    } else if (value.is_number()) {
      values[name] = value_json(name, "float64", number_text(value.get<double>()));
    } else {
      values[name] = value_json(name, "string", value.get<std::string>());
    }
  };
  const Json problem = to_json(record.trial.problem);
  for (const auto& [key, value] : problem.items()) put(key, value);
  for (const auto& [key, value] : record.trial.options) put(key, to_json(value));
  return values;
}

double standard_deviation(const std::vector<double>& samples, double mean) {
  if (samples.size() < 2) return 0.0;
  const double squares = std::accumulate(
      samples.begin(), samples.end(), 0.0,
      [mean](double sum, double sample) { return sum + (sample - mean) * (sample - mean); });
  return std::sqrt(squares / static_cast<double>(samples.size() - 1));
}

Json summaries_of(const Record& record) {
  const Summary times = summarise(record.samples_ms);
  const double deviation = standard_deviation(record.samples_ms, times.mean);
  const double q1 = quantile(record.samples_ms, 0.25), q3 = quantile(record.samples_ms, 0.75);
  const auto seconds = [](const char* tag, const char* name, double ms) {
    return summary_json(tag, name, "duration", "float64", number_text(ms * kSecondsPerMs));
  };
  const auto share = [](const char* tag, const char* name, double value) {
    return summary_json(tag, name, "percentage", "float64", number_text(value));
  };
  return Json::array(
      {summary_json("nv/cold/sample_size", "Samples", "sample_size", "int64",
                    std::to_string(times.n)),
       seconds("nv/cold/time/gpu/min", "Min GPU Time", times.min),
       seconds("nv/cold/time/gpu/max", "Max GPU Time", quantile(record.samples_ms, 1.0)),
       seconds("nv/cold/time/gpu/mean", "GPU Time", times.mean),
       seconds("nv/cold/time/gpu/stdev/absolute", "Noise", deviation),
       share("nv/cold/time/gpu/stdev/relative", "Noise", deviation / times.mean),
       seconds("nv/cold/time/gpu/q1", "Q1 GPU Time", q1),
       seconds("nv/cold/time/gpu/median", "Median GPU Time", times.median),
       seconds("nv/cold/time/gpu/q3", "Q3 GPU Time", q3),
       seconds("nv/cold/time/gpu/iqr/absolute", "IQR", q3 - q1),
       share("nv/cold/time/gpu/iqr/relative", "Rel IQR", (q3 - q1) / times.median)});
}

int device_id(const Json& devices, const std::string& device) {
  for (size_t i = 0; i < devices.size(); ++i) {
    if (devices[i].value("device", "") == device) return static_cast<int>(i);
  }
  return static_cast<int>(devices.size());
}

Json state_of(const Record& record, int device) {
  Json state = {{"name", fmt::format("Device={}", device)}, {"device", device}};
  std::string name = state["name"];
  state["type_config_index"] = 0;
  state["axis_values"] = Json::array();
  for (const auto& [axis, value] : axis_values_of(record)) {
    state["axis_values"].push_back(value);
    name += " " + axis + "=" + value["value"].get<std::string>();
  }
  state["name"] = name;
  state["summaries"] = record.is_ok() ? summaries_of(record) : Json::array();
  state["is_skipped"] = !record.is_ok();
  if (!record.is_ok()) {
    state["skip_reason"] = fmt::format("{}: {}", to_text(record.outcome), record.message);
  }
  return state;
}

// Every value that an axis takes in these states, in order of first appearance.
Json axes_of(const Json& states) {
  Json axes = Json::array();
  for (const Json& state : states) {
    for (const Json& value : state["axis_values"]) {
      const auto has_name = [&value](const Json& axis) { return axis["name"] == value["name"]; };
      Json::iterator axis = std::find_if(axes.begin(), axes.end(), has_name);
      if (axis == axes.end()) {
        axes.push_back({{"name", value["name"]},
                        {"type", value["type"]},
                        {"flags", ""},
                        {"values", Json::array()}});
        axis = axes.end() - 1;
      }
      const std::string& text = value["value"].get_ref<const std::string&>();
      Json& values = (*axis)["values"];
      const bool is_known = std::any_of(values.begin(), values.end(), [&text](const Json& known) {
        return known["input_string"] == text;
      });
      if (is_known) continue;
      Json entry = {{"input_string", text}, {"description", ""}};
      entry["value"] = value["type"] == "string" ? Json(text) : Json::parse(text);
      values.push_back(std::move(entry));
    }
  }
  return axes;
}

}  // namespace

std::string nvbench_json(const Json& run, const std::vector<Record>& records) {
  const Json devices = run.value("devices", Json::array());
  Json root = {{"meta",
                {{"argv", run.value("argv", Json::array())},
                 {"version",
                  {{"json", {{"major", 1}, {"minor", 0}, {"patch", 0}, {"string", "1.0.0"}}},
                   {"attnbench", run.value("attnbench_version", "")}}}}},
               {"devices", Json::array()},
               {"benchmarks", Json::array()}};
  for (const Json& device : devices) {
    root["devices"].push_back({{"id", root["devices"].size()}, {"name", device.value("name", "")}});
  }
  std::map<std::string, size_t> positions;
  Json& benchmarks = root["benchmarks"];
  for (const Record& record : records) {
    const auto [found, is_new] = positions.emplace(record.trial.provider, benchmarks.size());
    if (is_new) {
      benchmarks.push_back({{"name", record.trial.provider},
                            {"index", found->second},
                            {"devices", Json::array()},
                            {"axes", Json::array()},
                            {"states", Json::array()}});
    }
    Json& benchmark = benchmarks[found->second];
    const int device = device_id(devices, record.trial.device);
    Json& ids = benchmark["devices"];
    if (std::find(ids.begin(), ids.end(), device) == ids.end()) ids.push_back(device);
    benchmark["states"].push_back(state_of(record, device));
  }
  for (Json& benchmark : benchmarks) benchmark["axes"] = axes_of(benchmark["states"]);
  return root.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace attnbench
