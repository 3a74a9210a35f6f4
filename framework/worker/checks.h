// The facts that end a trial: what it overwrote, changed, wrote late or kept. The host judges.
#pragma once

#include "protocol/messages.h"
#include "worker/prepared_trial.h"

namespace attnbench {

CheckReply check_trial(PreparedTrial& trial);

}  // namespace attnbench
