// What `repro` prints, as functions of values.
#pragma once

#include <string>
#include <vector>

#include "model/record.h"
#include "report/terminal_text.h"

namespace attnbench {

// A trial's record of then and of now, line by line.
std::string repro_text(const Record& then, const Record& now, const TerminalStyle& style);

// Command lines that put `argv` behind a profiler which suits the device; `kernels` are the names
// that the provider gave.
std::string profiler_text(const std::vector<std::string>& argv, const std::string& device,
                          const std::vector<std::string>& kernels);

}  // namespace attnbench
