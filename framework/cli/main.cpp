// attnbench: measures attention kernels that other people wrote. Start reading in verb_run.cpp.
#include <cstdio>
#include <exception>
#include <iostream>
#include <string>
#include <variant>
#include <vector>

#include "base/error.h"
#include "cli/options.h"
#include "cli/verbs.h"

namespace attnbench {
namespace {

int run_verb(const std::vector<std::string>& argv) {
  const Arguments arguments = parse_arguments({argv.begin() + 1, argv.end()});
  if (const HelpArguments* help = std::get_if<HelpArguments>(&arguments)) return verb_help(*help);
  if (std::holds_alternative<VersionArguments>(arguments)) {
    std::cout << "attnbench " << ATTNBENCH_VERSION << "\n";
    return kExitOk;
  }
  const Environment environment = read_environment();
  if (const DoctorArguments* doctor = std::get_if<DoctorArguments>(&arguments)) {
    return verb_doctor(*doctor, environment);
  }
  if (const ListArguments* list = std::get_if<ListArguments>(&arguments)) {
    return verb_list(*list, environment);
  }
  if (const ReportArguments* report = std::get_if<ReportArguments>(&arguments)) {
    return verb_report(*report, environment);
  }
  if (const auto* compare = std::get_if<CompareArguments>(&arguments)) {
    return verb_compare(*compare, environment);
  }
  if (const auto* merge = std::get_if<MergeArguments>(&arguments)) return verb_merge(*merge);
  if (const ReproArguments* repro = std::get_if<ReproArguments>(&arguments)) {
    return verb_repro(*repro, environment, argv);
  }
  if (const ValidateArguments* validate = std::get_if<ValidateArguments>(&arguments)) {
    return verb_validate(*validate, environment);
  }
  return verb_run(std::get<RunArguments>(arguments), environment, argv);
}

}  // namespace
}  // namespace attnbench

int main(int argc, char** argv) {
  try {
    return attnbench::run_verb({argv, argv + argc});
  } catch (const attnbench::Error& error) {
    std::cerr << "attnbench: " << error.line() << "\n";
    return attnbench::kExitUsage;
  } catch (const std::exception& error) {
    std::cerr << "attnbench: unexpected: " << error.what()
              << " -- please report this with the command line\n";
    return attnbench::kExitFault;
  }
}
