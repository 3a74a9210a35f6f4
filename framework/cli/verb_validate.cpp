// `attnbench validate`: does a provider keep the contract, and what does it take?
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <regex>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/machine.h"
#include "cli/run_settings.h"
#include "cli/stop_flag.h"
#include "cli/validate_text.h"
#include "cli/verbs.h"
#include "supervise/worker_client.h"

namespace attnbench {
namespace {

std::string name_of(const ProviderInfo& provider) {
  return provider.id.empty() ? std::filesystem::path(provider.path).filename().string()
                             : provider.id;
}

// By id, or by file name where the file is too broken to have one.
bool is_named(const ProviderInfo& provider, const std::string& name) {
  return name_of(provider) == name || name_of(provider) == name + ".provider.so";
}

std::vector<ProviderInfo> chosen(const std::vector<ProviderInfo>& installed,
                                 const std::vector<std::string>& names) {
  if (names.empty()) return installed;
  std::vector<ProviderInfo> found;
  std::vector<std::string> known;
  for (const ProviderInfo& provider : installed) known.push_back(name_of(provider));
  for (const std::string& name : names) {
    const auto first =
        std::find_if(installed.begin(), installed.end(),
                     [&](const ProviderInfo& provider) { return is_named(provider, name); });
    if (first == installed.end()) {
      throw Error(fmt::format("provider \"{}\" is not installed here", name), suggest(name, known));
    }
    found.push_back(*first);
  }
  return found;
}

std::regex pattern_of(const std::string& filter) {
  try {
    return std::regex(filter);
  } catch (const std::regex_error& error) {
    throw Error(fmt::format("--filter: \"{}\" is no regular expression ({})", filter, error.what()),
                "it is searched for in the ids of checks, as in --filter '^err-'");
  }
}

void write_json(const std::filesystem::path& file, const Json& json) {
  if (file.empty()) return;
  replace_file(file, json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

int show_matrix(const ValidateArguments& arguments, const std::vector<ProviderInfo>& providers,
                const RunSettings& settings, const Environment& environment) {
  std::vector<SupportRow> rows;
  Json json = Json::array();
  for (const ProviderInfo& provider : providers) {
    if (provider.state != LibraryState::ok) continue;
    rows.push_back(find_support(provider, settings, stop_on_signals()));
    json.push_back(to_json(rows.back()));
  }
  write_json(arguments.json_file, json);
  std::cout << matrix_text(rows, environment.output);
  return kExitOk;
}

int validate_all(const ValidateArguments& arguments, const std::vector<ProviderInfo>& providers,
                 const ValidateSettings& settings, const Environment& environment) {
  Json json = Json::array();
  bool has_failure = false;
  for (const ProviderInfo& provider : providers) {
    if (provider.state == LibraryState::shadowed) continue;
    const Validation validation = validate(provider, settings, stop_on_signals());
    has_failure = has_failure || validation.has_failure();
    json.push_back(to_json(validation));
    std::cout << validation_text(validation, arguments.is_verbose, environment.output)
              << std::flush;
  }
  write_json(arguments.json_file, json);
  return has_failure ? kExitFault : kExitOk;
}

}  // namespace

int verb_validate(const ValidateArguments& arguments, const Environment& environment) try {
  const Machine machine = read_machine("/");
  const std::vector<ProviderInfo> providers =
      chosen(installed_providers(environment, arguments.provider_dirs, machine.device_names()),
             arguments.providers);
  if (providers.empty()) {
    throw Error("no providers found",
                "`attnbench list providers` says where they are looked for; --provider-dir adds a "
                "place");
  }
  ValidateSettings settings;
  settings.run = run_settings(environment, machine, MeasureSettings{});
  settings.run.worker.log_dir = environment.cache_home.empty()
                                    ? std::filesystem::temp_directory_path() / "attnbench-validate"
                                    : environment.cache_home / "attnbench/logs";
  if (arguments.is_matrix) return show_matrix(arguments, providers, settings.run, environment);
  settings.level = arguments.level;
  if (!arguments.filter.empty()) {
    settings.is_wanted = [pattern = pattern_of(arguments.filter)](std::string_view id) {
      return std::regex_search(id.begin(), id.end(), pattern);
    };
  }
  return validate_all(arguments, providers, settings, environment);
} catch (const StopRequested&) {
  return kExitStopped;
}

}  // namespace attnbench
