// `attnbench report`: a run's files for people and other programs, made again from its records.
// Works while the run goes on, too: what has no record yet is left open.
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "cli/run_document.h"
#include "cli/verbs.h"
#include "report/exports.h"
#include "report/plan_order.h"
#include "report/sqlite_export.h"
#include "report/static_report.h"
#include "report/summary.h"
#include "store/run_directory.h"

namespace attnbench {
namespace {

namespace fs = std::filesystem;

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// What went wrong, or "". xdg-open hands the page to a browser and ends; what that browser says is
// no business of ours.
std::string open_in_browser(const fs::path& page, const Environment& environment) {
  if (environment.xdg_open.empty()) return "xdg-open is not installed (xdg-utils)";
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  const std::vector<std::string> words = {"xdg-open", fs::absolute(page).string()};
  pid_t pid = -1;
  const int trouble =
      ::posix_spawn(&pid, environment.xdg_open.c_str(), &actions, nullptr,
                    pointers_to(words).data(), pointers_to(environment.whole_environment).data());
  posix_spawn_file_actions_destroy(&actions);
  if (trouble != 0) return fmt::format("xdg-open: {}", std::strerror(trouble));
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? "" : "xdg-open found no browser";
}

void write_exports(const ReportArguments& arguments, const Json& run, const Plan& plan,
                   const std::vector<Record>& records) {
  const auto told = [](const fs::path& file) { std::cout << file.string() << "\n"; };
  if (!arguments.sqlite_file.empty()) {
    write_sqlite(run, records, plan.sweep().sentinels, arguments.sqlite_file);
    told(arguments.sqlite_file);
  }
  if (!arguments.nvbench_file.empty()) {
    replace_file(arguments.nvbench_file, nvbench_json(run, records));
    told(arguments.nvbench_file);
  }
  if (!arguments.google_benchmark_file.empty()) {
    replace_file(arguments.google_benchmark_file, google_benchmark_json(run, records));
    told(arguments.google_benchmark_file);
  }
}

}  // namespace

int verb_report(const ReportArguments& arguments, const Environment& environment) {
  const fs::path& directory = arguments.run_directory;
  const Json run = read_run(directory);
  const RecordSet set = read_records(directory / kResultsFile);
  const auto warn = [](const std::string& text) {
    std::cerr << "attnbench: warning: " << text << "\n";
  };
  for (const std::string& warning : set.warnings()) warn(warning);
  const Plan plan = plan_of(run, (directory / kRunFile).string());
  const std::vector<Record> records = in_plan_order(plan, set.records());
  if (arguments.is_markdown) {
    std::cout << results_markdown(records);
    return kExitOk;
  }
  if (arguments.is_export()) {
    write_exports(arguments, run, plan, records);
    return kExitOk;
  }
  const StaticReport report = write_static_report(
      run, plan, records, directory, {environment.gnuplot, environment.worker_environment});
  std::cout << report.page.string() << "\n";
  if (!report.warning.empty()) warn(report.warning);
  if (arguments.is_opened) {
    const std::string trouble = open_in_browser(report.page, environment);
    if (!trouble.empty()) warn("the page was not opened: " + trouble);
  }
  return kExitOk;
}

}  // namespace attnbench
