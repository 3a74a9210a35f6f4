// Comma-separated values (RFC 4180) for the programs of others: one file per plot in the format of
// the benchmark that attnbench follows, and one file of all trials.
//
// Lesson: a spreadsheet runs a cell that begins with "=", and a provider chooses its own name. Text
// that would be taken for a formula gets an apostrophe in front, which spreadsheets hide.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/outcome.h"
#include "model/record.h"
#include "report/figure.h"

namespace attnbench {

// A text as one cell: quoted where it must be, no formula, control characters as spaces.
std::string csv_cell(std::string_view text);

// What triton.testing writes with pandas, byte for byte: the x axis's name and the lines' labels,
// then "%.6f" for every number, "\n" for line ends. A failure is its sentinel, here and nowhere
// else; a point that the sweep has not is empty. An overlay has no column.
std::string seed_csv(const Figure& figure, const Sentinels& sentinels);

// One row a trial, under the keys of results.jsonl: their names carry the units. A cell that was
// not measured is empty. Lines end with "\r\n".
std::string trials_csv(const std::vector<Record>& records, const Sentinels& sentinels);

}  // namespace attnbench
