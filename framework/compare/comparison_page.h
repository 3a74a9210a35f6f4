// A comparison as one HTML file without scripts: the table with all rows, and how to read it.
#pragma once

#include <string>

#include "compare/comparison_table.h"

namespace attnbench {

std::string comparison_page(const Comparison& comparison, const ComparisonTitle& title);

}  // namespace attnbench
