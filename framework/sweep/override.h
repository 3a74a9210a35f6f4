// What the command line changes in a sweep before it is expanded.
#pragma once

#include <string>
#include <vector>

#include "sweep/sweep.h"

namespace attnbench {

struct Overrides {
  // "-a": "seqlen=1024,2048", "seqlen=1024:8192:1024" (from:to:step, `to` included where hit),
  // "seqlen=128:8192:*2" (from:to:*factor), or any mix of these separated by commas.
  std::vector<std::string> axes;
  std::vector<std::string> filters;        // "--filter": added to those of the sweep
  std::vector<std::string> providers;      // "--providers": exactly these lines, in this order
  std::vector<std::string> overlays = {};  // "--overlay": these too, behind the others
};

// An axis gets new values; a fixed problem field becomes an axis (the slowest) if it gets several.
// A provider that is no line of the sweep joins as a line labelled with its id. Throws SweepError
// with the option as its place.
Sweep apply(Sweep sweep, const Overrides& overrides);

}  // namespace attnbench
