// Text of the command line to Arguments: the only place that knows Boost.Program_options.
#pragma once

#include <string>
#include <vector>

#include "cli/arguments.h"

namespace attnbench {

// `words` without the program's name. Throws UsageError with a "did you mean".
Arguments parse_arguments(const std::vector<std::string>& words);

}  // namespace attnbench
