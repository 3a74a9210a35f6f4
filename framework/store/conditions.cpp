#include "store/conditions.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/error.h"

namespace attnbench {
namespace {

std::string device_text(const Json& device) {
  std::string name = device.value("name", "");
  const int64_t cpus = device.value("allowed_cpus", int64_t{0});
  return cpus == 0 ? name : fmt::format("{} with {} CPUs", name, cpus);
}

std::string usual_regime(const std::vector<Record>& records) {
  std::map<std::string, size_t> bursts;
  for (const Record& record : records) {
    if (record.state_json.find("\"regime\"") == std::string::npos) continue;
    for (const Json& state : parse_json(record.state_json, "state of " + record.trial_id)) {
      if (state.is_object()) ++bursts[state.value("regime", "")];
    }
  }
  const auto most =
      std::max_element(bursts.begin(), bursts.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == bursts.end() ? "" : most->first;
}

std::string or_none(const std::string& text) {
  return text.empty() ? "not known" : text;
}

}  // namespace

RunConditions conditions_of(const Json& run, const std::vector<Record>& records,
                            const std::string& run_file) try {
  RunConditions conditions;
  JsonFields fields(run, run_file);
  conditions.measure = measure_settings_from_json(fields.value("measure"));
  std::set<std::string> used;
  for (const Record& record : records) used.insert(record.trial.device);
  for (const Json& device : fields.list("devices")) {
    const std::string name = device.value("device", "");
    if (used.count(name) > 0) conditions.devices[name] = device_text(device);
  }
  for (const Json& provider : fields.list("providers")) {
    conditions.providers[provider.value("id", "")] = provider.value("sha256", "");
  }
  conditions.regime = usual_regime(records);
  return conditions;
} catch (const Json::exception& error) {
  throw Error(fmt::format("{}: {}", run_file, error.what()),
              "it was not written by `attnbench run`");
}

std::vector<ConditionDifference> differences(const RunConditions& here,
                                             const RunConditions& there) {
  std::vector<ConditionDifference> found;
  const auto differ = [&found](const std::string& what, std::string one, std::string other,
                               bool is_grave) {
    if (one == other) return;
    found.push_back(
        {fmt::format("{} is {} here, {} there", what, or_none(one), or_none(other)), is_grave});
  };
  for (const auto& [device, name] : here.devices) {
    const auto other = there.devices.find(device);
    if (other != there.devices.end()) differ(device, name, other->second, true);
  }
  const MeasureSettings& a = here.measure;
  const MeasureSettings& b = there.measure;
  differ("effort", std::string(enum_to_text(kEfforts, a.effort)),
         std::string(enum_to_text(kEfforts, b.effort)), true);
  differ("cache", std::string(enum_to_text(kCaches, a.cache)),
         std::string(enum_to_text(kCaches, b.cache)), true);
  differ("protocol", std::string(enum_to_text(kProtocols, a.protocol)),
         std::string(enum_to_text(kProtocols, b.protocol)), true);
  differ("the regime of clocks", here.regime, there.regime, true);
  differ("the seed of inputs", std::to_string(a.seed), std::to_string(b.seed), false);
  for (const auto& [id, sha256] : here.providers) {
    const auto other = there.providers.find(id);
    if (other != there.providers.end()) {
      differ("the file of " + id, sha256.substr(0, 12), other->second.substr(0, 12), false);
    }
  }
  return found;
}

}  // namespace attnbench
