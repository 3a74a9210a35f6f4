// Kernels that a provider compiles when a plan is made, compiled before anything is measured: by
// several workers side by side, into the providers' caches. A GPU that waits for a compiler
// measures nothing, and one that measures must not be shared: what a provider leaks is seen as the
// GPU's memory growing.
#pragma once

#include <atomic>
#include <vector>

#include "supervise/case_run.h"

namespace attnbench {

// Makes each plan of the trials once and drops it: if their providers have options that are
// compiled in and meant for sweeps, if there are many such trials, and if the first plans show that
// a compiler is at work, not a cache. Nothing is recorded: what fails here fails again in its turn,
// and is judged then. Returns before its time if `stop` is set.
void make_plans_ahead(const std::vector<CaseTrial>& trials, const RunSettings& settings,
                      RunObserver& observer, const std::atomic<bool>& stop);

}  // namespace attnbench
