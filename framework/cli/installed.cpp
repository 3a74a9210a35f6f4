#include "cli/verbs.h"
#include "supervise/describe.h"
#include "supervise/inspect.h"

namespace attnbench {

namespace {

// For workers that are asked something, outside of a run.
WorkerSettings asked_worker(const Environment& environment) {
  WorkerSettings worker;
  worker.executable = find_worker(environment);
  worker.environment = environment.worker_environment;
  worker.log_dir = environment.cache_home.empty()
                       ? std::filesystem::temp_directory_path() / "attnbench-describe"
                       : environment.cache_home / "attnbench/logs";
  return worker;
}

}  // namespace

Inspection inspected_machine(const Environment& environment) {
  return inspect_machine(asked_worker(environment));
}

std::vector<ProviderInfo> installed_providers(const Environment& environment,
                                              const std::vector<std::filesystem::path>& flags,
                                              const std::vector<std::string>& devices,
                                              bool asks_anew) {
  DescribeSettings settings;
  settings.worker = asked_worker(environment);
  if (!environment.cache_home.empty()) {
    settings.cache_file = environment.cache_home / "attnbench/providers.json";
  }
  settings.asks_anew = asks_anew;
  settings.devices = devices;
  const Discovery discovery = find_provider_files(search_path(provider_places(environment, flags)));
  return describe_providers(discovery, settings);
}

}  // namespace attnbench
