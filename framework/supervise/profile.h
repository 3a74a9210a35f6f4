// One call of a trial in a worker of its own, for somebody who watches with a profiler: prepared as
// ever, executed once, neither verified nor timed.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "supervise/run.h"

namespace attnbench {

struct ProfiledCall {
  double elapsed_ms = 0.0;           // by the wall clock, with the profiler's cost
  std::vector<std::string> kernels;  // as the plan names them; may be empty
};

// No deadlines: a profiler may replay the call for minutes. Throws Error if the call does not come
// about.
ProfiledCall profile_call(const Trial& trial, const ProviderInfo& provider,
                          const RunSettings& settings, const std::atomic<bool>& stop);

}  // namespace attnbench
