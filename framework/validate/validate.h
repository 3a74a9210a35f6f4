// Does a provider keep the contract? Makes the checks, each in workers of its own, and judges.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "supervise/run.h"
#include "validate/checks.h"

namespace attnbench {

struct ValidateSettings {
  RunSettings run;
  Level level = Level::contract;
  // Which checks to report; the first of each level is made in any case. Unset: all.
  std::function<bool(std::string_view id)> is_wanted;
};

struct Validation {
  std::string provider;  // its id, or its file's name where no id could be read
  std::string path;
  std::string device;  // on which it was validated; empty: it is usable on none
  std::vector<CheckOutcome> outcomes;

  int count(CheckResult result) const;
  bool has_failure() const;
};

// `provider` may be broken: that is what the first checks are about. Throws StopRequested.
Validation validate(const ProviderInfo& provider, const ValidateSettings& settings,
                    const std::atomic<bool>& stop);

}  // namespace attnbench
