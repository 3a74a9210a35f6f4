// Validates real providers with real workers, quickly, and names what did not pass.
#pragma once

#include <string>
#include <vector>

#include "supervise/guest_house.h"
#include "validate/validate.h"

namespace attnbench {

inline ProviderInfo described(const std::filesystem::path& work_in,
                              const std::vector<std::filesystem::path>& directories,
                              const std::string& file) {
  DescribeSettings settings;
  settings.worker = quick_worker(work_in);
  settings.devices = {"cpu"};
  Discovery discovery = find_provider_files(directories);
  std::erase_if(discovery.files, [&](const FileIdentity& identity) {
    return std::filesystem::path(identity.path).filename() != file + ".provider.so";
  });
  const std::vector<ProviderInfo> rows = describe_providers(discovery, settings);
  if (rows.empty()) throw std::runtime_error(file + " has not been built");
  return rows.front();
}

inline Validation validated(const ProviderInfo& provider, Level level,
                            const std::filesystem::path& work_in) {
  ValidateSettings settings;
  settings.run = quick_run(work_in);
  settings.run.worker.deadlines.supports_s = 2.0;
  settings.run.worker.deadlines.execute_s = 10.0;
  settings.level = level;
  const std::atomic<bool> never_stopped = false;
  return validate(provider, settings, never_stopped);
}

// "err-null-args crash", one a line of what neither passed nor was skipped.
inline std::vector<std::string> found_in(const Validation& validation) {
  std::vector<std::string> found;
  for (const CheckOutcome& outcome : validation.outcomes) {
    if (outcome.result == CheckResult::pass || outcome.result == CheckResult::skip) continue;
    found.push_back(std::string(outcome.check->id) + " " +
                    std::string(enum_to_text(kCheckResults, outcome.result)));
  }
  return found;
}

}  // namespace attnbench
