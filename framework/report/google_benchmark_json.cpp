#include <algorithm>
#include <nlohmann/json.hpp>

#include "model/work.h"
#include "report/exports.h"

namespace attnbench {
namespace {

// "cpu_flash/threads=1/fwd/fp16/b1/h4/s2048/d64/cpu": the same trial has one name in every run.
std::string name_of(const Record& record) {
  const Trial& trial = record.trial;
  std::string name = trial.provider + " ";
  if (!trial.options.empty()) name += to_text(trial.options) + " ";
  name += to_text(trial.problem) + " " + trial.device;
  std::replace(name.begin(), name.end(), ' ', '/');
  return name;
}

Json context_of(const Json& run) {
  Json context = {{"date", run.value("started_utc", "")},
                  {"host_name", ""},
                  {"executable", "attnbench"},
                  {"num_cpus", 0},
                  {"mhz_per_cpu", 0},
                  {"caches", Json::array()},
                  {"load_avg", Json::array()},
                  {"library_version", "attnbench " + run.value("attnbench_version", "")},
                  {"library_build_type", "release"},
                  {"json_schema_version", 1}};
  for (const Json& device : run.value("devices", Json::array())) {
    if (device.contains("logical_cpus")) context["num_cpus"] = device["logical_cpus"];
    if (device.contains("load")) context["load_avg"].push_back(device["load"]);
  }
  context["attnbench_failures"] = Json::array();
  return context;
}

}  // namespace

std::string google_benchmark_json(const Json& run, const std::vector<Record>& records) {
  Json root = {{"context", context_of(run)}, {"benchmarks", Json::array()}};
  int family = 0;
  for (const Record& record : records) {
    const std::string name = name_of(record);
    if (!record.is_ok()) {
      root["context"]["attnbench_failures"].push_back(
          {{"name", name}, {"outcome", to_text(record.outcome)}, {"message", record.message}});
      continue;
    }
    const size_t samples = record.samples_ms.size();
    for (size_t i = 0; i < samples; ++i) {
      const double ns = record.samples_ms[i] * 1e6;  // compare.py prints no digit behind the point
      root["benchmarks"].push_back(
          {{"name", name},
           {"family_index", family},
           {"per_family_instance_index", 0},
           {"run_name", name},
           {"run_type", "iteration"},
           {"repetitions", samples},
           {"repetition_index", i},
           {"threads", 1},
           {"iterations", 1},
           {"real_time", ns},
           {"cpu_time", ns},
           {"time_unit", "ns"},
           {"FLOPS", finite_or_null(flops(record.trial.problem) / (ns * 1e-9))}});
    }
    ++family;
  }
  return root.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace attnbench
