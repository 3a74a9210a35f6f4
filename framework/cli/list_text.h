// What `list` prints, as functions of values.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "cli/machine.h"
#include "model/provider_info.h"
#include "report/terminal_text.h"
#include "sweep/find.h"

namespace attnbench {

// A provider, or a file that is none, as a headline and indented facts. `is_verbose` adds the
// file's SHA-256, vendor and license.
std::string provider_text(const ProviderInfo& provider, bool is_verbose,
                          const TerminalStyle& style);

std::string sweeps_text(const std::vector<SweepListing>& sweeps, const TerminalStyle& style);
Json sweeps_json(const std::vector<SweepListing>& sweeps);

std::string devices_text(const Machine& machine);

}  // namespace attnbench
