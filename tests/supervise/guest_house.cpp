#include "guest_house.h"

#include <sys/wait.h>

#include <cerrno>
#include <stdexcept>

extern char** environ;

namespace attnbench {

WorkerSettings quick_worker(const std::filesystem::path& work_in) {
  WorkerSettings settings;
  settings.executable = ATTNBENCH_BUILD_DIR "/bin/attnbench-worker";
  settings.log_dir = work_in / "logs";
  settings.environment = pinned_environment(environ);
  // A leak checker would have its say when a guest calls exit(0), and change the code.
  settings.environment.push_back("LSAN_OPTIONS=detect_leaks=0");
  settings.deadlines.execute_s = 1.0;
  settings.deadlines.load_s = 2.0;
  return settings;
}

RunSettings quick_run(const std::filesystem::path& work_in) {
  RunSettings settings;
  settings.worker = quick_worker(work_in);
  settings.cache_dir = work_in;
  settings.measure.effort = Effort::grid;
  settings.measure.verify_rows = 16;
  settings.secret_seed = 7;
  return settings;
}

std::vector<ProviderInfo> guests_and_reference(const std::filesystem::path& work_in) {
  DescribeSettings settings;
  settings.worker = quick_worker(work_in);
  settings.devices = {"cpu"};
  return describe_providers(find_provider_files({ATTNBENCH_BUILD_DIR "/tests/guests/guests",
                                                 ATTNBENCH_BUILD_DIR "/lib/attnbench/providers"}),
                            settings);
}

Problem small_problem(Mode mode) {
  Problem problem;
  problem.mode = mode;
  problem.dtype = Dtype::fp32;
  problem.heads = 2;
  problem.kv_heads = 1;
  problem.seqlen_q = 33;
  problem.seqlen_kv = 40;
  problem.head_dim = 16;
  return problem;
}

Trial small_trial(const std::string& provider, int64_t flavour, Mode mode) {
  Trial trial;
  trial.provider = provider;
  if (flavour != 0) trial.options["flavour"] = flavour;
  trial.problem = small_problem(mode);
  trial.device = "cpu";
  return trial;
}

void Witness::record(const Record& record) {
  records.push_back(record);
}

void Witness::burst_done(const Trial& trial, const Summary&) {
  bursts.push_back(trial.provider);
  if (after_burst) after_burst();
}

const Record& Witness::of(const std::string& provider) const {
  const Record* found = nullptr;
  for (const Record& record : records) {
    if (record.trial.provider != provider) continue;
    if (found != nullptr) throw std::runtime_error("two records of " + provider);
    found = &record;
  }
  if (found == nullptr) throw std::runtime_error("no record of " + provider);
  return *found;
}

bool has_no_children() {
  return waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD;
}

}  // namespace attnbench
