// The providers of a sweep, met with those of this machine: which lines run, on which device, with
// which options.
#pragma once

#include <string>
#include <vector>

#include "sweep/expand.h"

namespace attnbench {

struct LinePlan {
  std::vector<PlannedLine> lines;
  std::vector<std::string> notes;  // who is left out, and why
};

// Throws SweepError on an unknown provider, an unknown option, a value that a provider does not
// offer, and if no line is left.
LinePlan plan_lines(const Sweep& sweep, const std::vector<ProviderInfo>& providers,
                    const std::vector<std::string>& devices);

}  // namespace attnbench
