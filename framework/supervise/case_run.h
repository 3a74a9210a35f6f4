// One case: all trials of one problem on one device. They see the same inputs, share one reference,
// and take turns in rounds, so that a drift of the device meets all of them alike.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "supervise/references.h"
#include "supervise/run_context.h"

namespace attnbench {

struct CaseTrial {
  const Trial* trial = nullptr;
  const ProviderInfo* provider = nullptr;  // installed and usable on the trial's device
};

// Every trial ends in a record. `references` are the problem's. Throws StopRequested when the stop
// flag is set.
void run_case(RunContext& context, References& references, const std::vector<CaseTrial>& trials);

}  // namespace attnbench
