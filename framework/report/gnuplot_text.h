// Figures as gnuplot commands. Pure: text out; gnuplot.h runs it.
//
// Lesson: gnuplot has `system`, command substitution in backquotes, macros after "@", pipes in
// `set output "|..."` and formats in tic labels, and the names in a sweep are anybody's. So no byte
// of a name is written as itself unless it is a letter, a digit or harmless; all others become
// octal escapes, which gnuplot reads after it has looked for commands.
#pragma once

#include <string>
#include <string_view>

#include "report/figure.h"

namespace attnbench {

// A double-quoted string that gnuplot takes for this text and nothing else.
std::string gnuplot_string(std::string_view text);

// What all figures of a report share: terminal, fonts, grid.
std::string gnuplot_preamble(const PlotSpec& spec);

// Draws one figure into "./<name>.png". Failures are crossed-out points at the top edge; no
// number stands for them.
std::string gnuplot_commands(const Figure& figure, const PlotSpec& spec);

}  // namespace attnbench
