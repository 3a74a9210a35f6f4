// `attnbench doctor`: what is here to measure with, what disturbs, and what to do about it.
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/doctor.h"
#include "cli/verbs.h"

namespace attnbench {

int verb_doctor(const DoctorArguments& arguments, const Environment& environment) {
  Checkup checkup;
  checkup.machine = read_machine("/");
  checkup.inspection = inspected_machine(environment);
  checkup.machine.name_gpus(checkup.inspection);
  checkup.toolkit = find_toolkit("/", environment.library_hints);
  checkup.providers = installed_providers(environment, arguments.provider_dirs,
                                          checkup.machine.device_names(), true);
  const std::vector<Finding> findings = diagnose(checkup);
  std::cout
      << (arguments.is_json
              ? doctor_json(checkup, findings).dump(2, ' ', false, Json::error_handler_t::replace) +
                    "\n"
              : doctor_text(findings, environment.output));
  return arguments.is_strict && count_warnings(findings) > 0 ? kExitFault : kExitOk;
}

}  // namespace attnbench
