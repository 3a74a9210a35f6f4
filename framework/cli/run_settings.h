// How trials are run here, for every verb that runs some.
#pragma once

#include "cli/environment.h"
#include "cli/machine.h"
#include "supervise/run.h"

namespace attnbench {

// With a new secret; the worker's log_dir is the caller's to set.
RunSettings run_settings(const Environment& environment, const Machine& machine,
                         const MeasureSettings& measure);

}  // namespace attnbench
