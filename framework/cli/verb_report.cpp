// `attnbench report`: a run's files for people and other programs, made again from its records.
// Works while the run goes on, too: what has no record yet is left open.
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cli/run_document.h"
#include "cli/verbs.h"
#include "report/plan_order.h"
#include "report/static_report.h"
#include "report/summary.h"
#include "store/run_directory.h"

namespace attnbench {

int verb_report(const ReportArguments& arguments, const Environment& environment) {
  const std::filesystem::path& directory = arguments.run_directory;
  const Json run = read_run(directory);
  const RecordSet set = read_records(directory / kResultsFile);
  for (const std::string& warning : set.warnings()) {
    std::cerr << "attnbench: warning: " << warning << "\n";
  }
  const Plan plan = plan_of(run, (directory / kRunFile).string());
  const std::vector<Record> records = in_plan_order(plan, set.records());
  if (arguments.is_markdown) {
    std::cout << results_markdown(records);
    return kExitOk;
  }
  const StaticReport report = write_static_report(
      plan, records, directory, {environment.gnuplot, environment.worker_environment});
  std::cout << report.page.string() << "\n";
  if (!report.warning.empty()) std::cerr << "attnbench: warning: " << report.warning << "\n";
  return kExitOk;
}

}  // namespace attnbench
