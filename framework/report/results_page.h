// results.html: every plot of a run with its picture, its numbers and a link to its CSV. A file
// without scripts that needs nothing but the pictures beside it.
#pragma once

#include <string>

#include "report/figure.h"

namespace attnbench {

std::string results_page_begin(const Sweep& sweep, size_t figures);
// `has_picture`: without gnuplot the numbers stand alone.
std::string results_page_figure(const Figure& figure, const PlotSpec& spec, bool has_picture);
std::string results_page_end();

}  // namespace attnbench
