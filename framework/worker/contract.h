// The facts behind `attnbench validate`: groups of calls that a run never makes, on which the
// contract has an opinion. What comes back is reported; the host judges (validate/checks.h).
#pragma once

#include "protocol/messages.h"
#include "worker/channel.h"

namespace attnbench {

// Throws CallFailure where not even the calls that every run makes come off.
ContractReply check_contract(const ContractRequest& request, Channel& channel);

}  // namespace attnbench
