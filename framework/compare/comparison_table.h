// A comparison as rows of text: the terminal's table and the page are made of the same cells.
#pragma once

#include <string>
#include <vector>

#include "compare/comparison.h"
#include "report/table.h"

namespace attnbench {

struct ComparisonTitle {
  std::string base, contender;  // a run's directory, or a line of one
};

struct ComparisonTable {
  std::string common;  // what all rows share
  std::vector<TableColumn> columns;
  std::vector<std::vector<TableCell>> rows;
};

// At most `max_rows`; where there are more, news comes before what stayed the same.
ComparisonTable comparison_table(const Comparison& comparison, size_t max_rows);

// "12 rows: 2 SLOWER, 9 SAME, 1 BROKEN", the geometric means, and what to do about what is not
// known; one sentence each.
std::vector<std::string> comparison_summary(const Comparison& comparison);

// All of it, for a terminal.
std::string comparison_text(const Comparison& comparison, const ComparisonTitle& title,
                            const TerminalStyle& style);

}  // namespace attnbench
