// Where a provider is validated: the device of this machine that suits it best.
#pragma once

#include <string>

#include "model/provider_info.h"

namespace attnbench {

// Empty: it is usable on none.
inline std::string best_device(const ProviderInfo& provider) {
  int best = 0;
  std::string device;
  for (const Usability& usability : provider.usable) {
    if (usability.score <= best) continue;
    best = usability.score;
    device = usability.device;
  }
  return device;
}

}  // namespace attnbench
