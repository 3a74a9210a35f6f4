// The verbs of attnbench. Each takes its arguments and the surroundings, and returns the exit code.
#pragma once

#include <string>
#include <vector>

#include "cli/arguments.h"
#include "cli/environment.h"
#include "model/inspection.h"
#include "model/provider_info.h"

namespace attnbench {

// `argv` as typed, for run.json.
int verb_run(const RunArguments& arguments, const Environment& environment,
             const std::vector<std::string>& argv);
int verb_list(const ListArguments& arguments, const Environment& environment);
int verb_report(const ReportArguments& arguments, const Environment& environment);
int verb_compare(const CompareArguments& arguments, const Environment& environment);
int verb_merge(const MergeArguments& arguments);
// `argv` as typed, to be shown behind a profiler's name.
int verb_repro(const ReproArguments& arguments, const Environment& environment,
               const std::vector<std::string>& argv);
int verb_validate(const ValidateArguments& arguments, const Environment& environment);
int verb_doctor(const DoctorArguments& arguments, const Environment& environment);
int verb_help(const HelpArguments& arguments);

// All provider files on the search path, described by workers; by the cache of earlier ones, too,
// unless they are to be asked anew.
std::vector<ProviderInfo> installed_providers(const Environment& environment,
                                              const std::vector<std::filesystem::path>& flags,
                                              const std::vector<std::string>& devices,
                                              bool asks_anew = false);
// What a worker finds of NVIDIA's software and GPUs.
Inspection inspected_machine(const Environment& environment);

}  // namespace attnbench
