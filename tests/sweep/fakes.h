// Installed providers as the sweep sees them: descriptions only, no library behind them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "model/provider_info.h"
#include "sweep/expand.h"
#include "sweep/parse.h"

namespace attnbench {

inline OptionInfo int_option(std::string name, std::vector<OptionValue> choices) {
  OptionInfo option;
  option.name = std::move(name);
  option.type = "int";
  option.choices = std::move(choices);
  return option;
}

inline ProviderInfo fake_provider(std::string id, std::string device_type,
                                  std::vector<OptionInfo> options = {}) {
  ProviderInfo info;
  info.id = std::move(id);
  info.device_types = {std::move(device_type)};
  info.options = std::move(options);
  return info;
}

// cpu_reference as shipped, and "tile", which has one option of every kind.
inline std::vector<ProviderInfo> fake_providers() {
  OptionInfo warps = int_option("warps", {});
  warps.min = 1;
  warps.max = 8;
  OptionInfo rate;
  rate.name = "rate";
  rate.type = "float";
  rate.max = 1.0;
  OptionInfo kind;
  kind.name = "kind";
  kind.type = "string";
  const std::vector<OptionValue> tiles = {int64_t{32}, int64_t{64}, int64_t{128}};
  return {fake_provider("cpu_reference", "cpu"),
          fake_provider(
              "tile", "cpu",
              {int_option("block_q", tiles), int_option("block_k", tiles), warps, rate, kind})};
}

inline Plan plan_of(const std::string& text, const std::vector<std::string>& devices = {"cpu"}) {
  return expand(parse_sweep(text, "test.toml"), fake_providers(), devices);
}

inline std::vector<Trial> trials_of(const Plan& plan) {
  std::vector<Trial> trials;
  plan.for_each_trial([&trials](const Trial& trial, int64_t) {
    trials.push_back(trial);
    return true;
  });
  return trials;
}

inline std::vector<Plot> plots_of(const Plan& plan) {
  std::vector<Plot> plots;
  plan.for_each_plot([&plots](const Plot& plot) {
    plots.push_back(plot);
    return true;
  });
  return plots;
}

}  // namespace attnbench
