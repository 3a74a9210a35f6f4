// `attnbench list`: what is installed, what can be run, on what.
#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/list_text.h"
#include "cli/machine.h"
#include "cli/verbs.h"

namespace attnbench {

int verb_list(const ListArguments& arguments, const Environment& environment) {
  const auto show = [&arguments](const Json& json, const std::string& text) {
    std::cout << (arguments.is_json
                      ? json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"
                      : text);
    return kExitOk;
  };
  if (arguments.subject == "sweeps") {
    const std::vector<SweepListing> sweeps = list_sweeps(sweep_directories(environment));
    return show(sweeps_json(sweeps), sweeps_text(sweeps, environment.output));
  }
  Machine machine = read_machine("/");
  if (arguments.subject == "devices") {
    if (!machine.gpus.empty()) machine.name_gpus(inspected_machine(environment));
    return show(to_json(machine), devices_text(machine));
  }
  const std::vector<ProviderInfo> providers =
      installed_providers(environment, arguments.provider_dirs, machine.device_names());
  Json rows = Json::array();
  for (const ProviderInfo& provider : providers) rows.push_back(to_json(provider));
  std::string text;
  for (const ProviderInfo& provider : providers) {
    text += provider_text(provider, arguments.is_verbose, environment.output);
  }
  if (providers.empty()) {
    text = "no providers found in:\n";
    for (const std::filesystem::path& directory :
         search_path(provider_places(environment, arguments.provider_dirs))) {
      text += "  " + directory.string() + "\n";
    }
  }
  return show(rows, text);
}

}  // namespace attnbench
