// Trials end as they converge; people look for them where the sweep has them.
#pragma once

#include <vector>

#include "model/record.h"
#include "sweep/expand.h"

namespace attnbench {

// Records of trials that the plan does not have (of a provider that changed between a run and its
// resumption) come last, in the order given.
std::vector<Record> in_plan_order(const Plan& plan, std::vector<Record> records);

}  // namespace attnbench
