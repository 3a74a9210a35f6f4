// The verbs of attnbench. Each takes its arguments and the surroundings, and returns the exit code.
#pragma once

#include <string>
#include <vector>

#include "cli/arguments.h"
#include "cli/environment.h"
#include "model/provider_info.h"

namespace attnbench {

// `argv` as typed, for run.json.
int verb_run(const RunArguments& arguments, const Environment& environment,
             const std::vector<std::string>& argv);
int verb_list(const ListArguments& arguments, const Environment& environment);
int verb_report(const ReportArguments& arguments, const Environment& environment);
// `argv` as typed, to be shown behind a profiler's name.
int verb_repro(const ReproArguments& arguments, const Environment& environment,
               const std::vector<std::string>& argv);
int verb_validate(const ValidateArguments& arguments, const Environment& environment);
int verb_help(const HelpArguments& arguments);

// All provider files on the search path, described by workers (or by the cache of earlier ones).
std::vector<ProviderInfo> installed_providers(const Environment& environment,
                                              const std::vector<std::filesystem::path>& flags,
                                              const std::vector<std::string>& devices);

}  // namespace attnbench
