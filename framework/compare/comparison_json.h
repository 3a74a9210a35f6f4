// A comparison for programs: every row with its numbers, and why.
#pragma once

#include "base/json.h"
#include "compare/comparison_table.h"

namespace attnbench {

Json comparison_json(const Comparison& comparison, const ComparisonTitle& title);

}  // namespace attnbench
