// Which kinds of problem a provider takes, and why not the others: asked of `supports` alone, with
// one small problem of each kind, before anything is planned or timed.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "model/provider_info.h"
#include "supervise/run.h"

namespace attnbench {

struct SupportAnswer {
  std::string kind;  // "head_dim 128", "causal bottom_right"
  bool is_supported = false;
  std::string reason;  // why not
};

struct SupportRow {
  std::string provider, device;  // no device: not usable here, and no answers
  std::vector<SupportAnswer> answers;
};

// `provider` is whole. Throws StopRequested.
SupportRow find_support(const ProviderInfo& provider, const RunSettings& settings,
                        const std::atomic<bool>& stop);

}  // namespace attnbench
