// Text to Sweep. Every mistake is found here or in expand.h and told as one line with its place.
#pragma once

#include <string>
#include <string_view>

#include "sweep/sweep.h"

namespace attnbench {

// `file` is how messages name the text; its stem becomes the sweep's name. Throws SweepError.
Sweep parse_sweep(std::string_view text, const std::string& file);

// A TOML text that parses to the same sweep: what run.json keeps after the command line's changes.
std::string to_toml(const Sweep& sweep);

}  // namespace attnbench
