// What must hold of a sweep as a whole, whether a file or the command line made it so.
#pragma once

#include <string>
#include <vector>

#include "sweep/sweep.h"

namespace attnbench {

// Throws SweepError: a field set twice or not at all, an x or a template field that is no axis, two
// lines with one label.
void check_sweep(const Sweep& sweep);

std::vector<std::string> axis_names(const Sweep& sweep);
const Axis* find_axis(const Sweep& sweep, const std::string& name);  // nullptr: no such axis
// All that an [[exclude]] can compare `name` with: an axis's values, or the ids for "provider".
std::vector<OptionValue> values_of(const Sweep& sweep, const std::string& name);

}  // namespace attnbench
