#include "cli/verbs.h"
#include "supervise/describe.h"

namespace attnbench {

std::vector<ProviderInfo> installed_providers(const Environment& environment,
                                              const std::vector<std::filesystem::path>& flags,
                                              const std::vector<std::string>& devices) {
  DescribeSettings settings;
  settings.worker.executable = find_worker(environment);
  settings.worker.environment = environment.worker_environment;
  settings.worker.log_dir = std::filesystem::temp_directory_path() / "attnbench-describe";
  if (!environment.cache_home.empty()) {
    settings.worker.log_dir = environment.cache_home / "attnbench/logs";
    settings.cache_file = environment.cache_home / "attnbench/providers.json";
  }
  settings.devices = devices;
  const Discovery discovery = find_provider_files(search_path(provider_places(environment, flags)));
  return describe_providers(discovery, settings);
}

}  // namespace attnbench
