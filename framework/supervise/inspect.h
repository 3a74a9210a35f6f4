// Asks a worker of its own what this machine has for GPUs: the host never talks to a driver, which
// may hang or crash, too.
#pragma once

#include "model/inspection.h"
#include "supervise/worker_process.h"

namespace attnbench {

// A worker that is lost over it becomes the inspection's driver_trouble.
Inspection inspect_machine(const WorkerSettings& settings);

}  // namespace attnbench
