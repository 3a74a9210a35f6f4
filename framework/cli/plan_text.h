// What `run --dry-run` prints: the plan in numbers, and what it will cost in memory and time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "model/problem.h"
#include "sweep/expand.h"

namespace attnbench {

struct PlanCost {
  double low_seconds = 0.0, high_seconds = 0.0;
  double largest_bytes = 0.0;      // tensors of the largest problem
  std::optional<Problem> largest;  // nothing: an empty plan
};

// `cpus`: how many compute the fp64 reference. The time is a guess from assumed speeds, said in the
// text: nobody has measured these providers here yet.
PlanCost estimate_cost(const Plan& plan, int cpus);

// "972 plots, 14580 points, 6075 distinct trials in 270 cases".
std::string counts_text(const PlanCounts& counts);

std::string plan_text(const Plan& plan, const PlanCost& cost, uint64_t available_bytes);

}  // namespace attnbench
