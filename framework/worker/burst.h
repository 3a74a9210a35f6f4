// Several samples taken together. What a burst does is the host's decision (BurstRequest); how it
// keeps the passes honest is written here, once for every device.
#pragma once

#include "protocol/messages.h"
#include "worker/prepared_trial.h"

namespace attnbench {

// Before each sample, outside its interval: outputs and workspace are poisoned, caches emptied if
// asked, inputs switched if asked. The last sample's outputs stay for the host to verify.
BurstReply run_burst(PreparedTrial& trial, const BurstRequest& request, Channel& channel);

}  // namespace attnbench
