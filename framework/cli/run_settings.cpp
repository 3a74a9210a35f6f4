#include "cli/run_settings.h"

#include <random>

namespace attnbench {

RunSettings run_settings(const Environment& environment, const Machine& machine,
                         const MeasureSettings& measure) {
  RunSettings settings;
  settings.worker.executable = find_worker(environment);
  settings.worker.environment = environment.worker_environment;
  if (!environment.cache_home.empty()) {
    settings.cache_dir = environment.cache_home / "attnbench/kernels";
  }
  settings.measure = measure;
  std::random_device entropy;
  settings.secret_seed = (uint64_t{entropy()} << 32) | entropy();
  settings.reference_threads = machine.cpu.allowed_cpus;
  return settings;
}

}  // namespace attnbench
