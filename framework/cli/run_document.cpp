#include "cli/run_document.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"
#include "sweep/parse.h"

namespace attnbench {
namespace {

template <typename T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json sweep_document(const Sweep& sweep) {
  const std::string toml = to_toml(sweep);
  return Json{
      {"name", sweep.name}, {"file", sweep.file}, {"sha256", sha256_of_text(toml)}, {"toml", toml}};
}

}  // namespace

Json run_document(const std::vector<std::string>& argv, const Plan& plan,
                  const std::vector<ProviderInfo>& providers, const Machine& machine) {
  const PlanCounts& counts = plan.counts();
  // Those of lines that were left out, too: the plan is expanded again from this document. A
  // library that could not be read has no id; its file's name stands for it.
  std::set<std::string> named;
  for (const Line& line : plan.sweep().lines) named.insert(line.id);
  Json used = Json::array();
  for (const ProviderInfo& provider : providers) {
    const std::string file = std::filesystem::path(provider.path).filename().string();
    const std::string id = provider.id.empty() ? file.substr(0, file.find('.')) : provider.id;
    if (named.count(id) > 0) used.push_back(to_json(provider));
  }
  const Json here = to_json(machine);
  return Json{{"format", 1},
              {"status", "running"},
              {"started_utc", utc_iso()},
              {"attnbench_version", ATTNBENCH_VERSION},
              {"compiler", fmt::format("{} {}", ATTNBENCH_COMPILER, __VERSION__)},
              {"argv", argv},
              {"sweep", sweep_document(plan.sweep())},
              {"plan",
               {{"plots", counts.plots},
                {"points", counts.points},
                {"trials", counts.trials},
                {"cases", counts.cases},
                {"notes", plan.notes()}}},
              {"measure", to_json(plan.sweep().measure)},
              {"providers", used},
              {"devices", here["devices"]},
              {"kernel", machine.kernel},
              {"warnings", here["warnings"]}};
}

Json resumed_document(Json earlier, const Json& now, std::vector<std::string>* notes) {
  for (const Json& provider : now["providers"]) {
    for (const Json& before : earlier.value("providers", Json::array())) {
      if (before.value("id", "") == provider["id"] &&
          before.value("sha256", "") != provider["sha256"]) {
        notes->push_back(fmt::format(
            "{} is not the file it was when this run began: its records are of two builds",
            provider["id"].get<std::string>()));
      }
    }
  }
  Json session = Json::object();
  for (const char* key : {"started_utc", "attnbench_version", "compiler", "argv", "providers",
                          "devices", "kernel", "warnings"}) {
    session[key] = now[key];
  }
  earlier["status"] = "running";
  earlier["resumed"].push_back(std::move(session));
  return earlier;
}

Sweep sweep_of(const Json& run, const std::string& run_file) {
  const Json::const_iterator sweep = run.find("sweep");
  if (sweep == run.end() || !sweep->contains("toml") || !sweep->at("toml").is_string()) {
    throw Error(run_file + " says no sweep", "it was not written by `attnbench run`");
  }
  Sweep parsed = parse_sweep(sweep->at("toml").get<std::string>(), run_file + " (sweep.toml)");
  // The parser names a sweep by its file; here that is not the file it came from.
  parsed.name = sweep->value("name", parsed.name);
  parsed.file = sweep->value("file", parsed.file);
  return parsed;
}

Plan plan_of(const Json& run, const std::string& run_file) {
  const Sweep sweep = sweep_of(run, run_file);
  JsonFields fields(run, run_file);
  std::vector<ProviderInfo> providers;
  for (const Json& provider : fields.list("providers")) {
    providers.push_back(provider_info_from_json(provider));
  }
  std::vector<std::string> devices;
  for (const Json& device : fields.list("devices")) {
    devices.push_back(JsonFields(device, run_file + " device").text("device"));
  }
  return expand(sweep, providers, devices);
}

void add_device(Json* run, const DeviceFacts& facts) {
  const Json opened = {{"driver_version", facts.driver_version},
                       {"memory_bytes", facts.memory_bytes},
                       {"free_bytes", facts.free_bytes},
                       {"cache_bytes", facts.cache_bytes},
                       {"threads", facts.threads},
                       {"peak_tflops_fp32", or_null(facts.peak_tflops_fp32)},
                       {"peak_tflops_16bit", or_null(facts.peak_tflops_16bit)},
                       {"peak_tflops_one_thread", or_null(facts.peak_tflops_one_thread)},
                       {"peak_gbps", or_null(facts.peak_gbps)}};
  for (Json& device : (*run)["devices"]) {
    if (device["device"] != facts.device) continue;
    device["name"] = facts.name;
    device["opened"] = opened;
    return;
  }
  (*run)["devices"].push_back({{"device", facts.device}, {"name", facts.name}, {"opened", opened}});
}

HarnessTime add_harness_time(Json* run, const HarnessTime& session) {
  const Json before = run->value("harness", Json::object());
  const HarnessTime sum{before.value("busy_seconds", 0.0) + session.busy_seconds,
                        before.value("wall_seconds", 0.0) + session.wall_seconds};
  (*run)["harness"] = {{"busy_seconds", sum.busy_seconds},
                       {"wall_seconds", sum.wall_seconds},
                       {"efficiency", sum.efficiency()}};
  return sum;
}

void close_document(Json* run, const std::string& status, uint64_t secret_seed) {
  (*run)["status"] = status;
  (*run)["finished_utc"] = utc_iso();
  (*run)["secret_seed"] = secret_seed;
}

}  // namespace attnbench
