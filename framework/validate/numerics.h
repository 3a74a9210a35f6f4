// The problems of level numerics: for each check the smallest ones that can prove it wrong.
#pragma once

#include <string_view>
#include <vector>

#include "model/provider_info.h"
#include "supervise/trial_life.h"

namespace attnbench {

// Empty for checks of other levels, and where the provider declares none of what it takes.
std::vector<Problem> problems_of(std::string_view check_id, const ProviderInfo& provider);

// One problem, verified as a run verifies it, both input variants; untimed. Nothing: right.
std::optional<End> verify_problem(RunContext& context, const ProviderInfo& provider,
                                  const std::string& device, const Problem& problem);

}  // namespace attnbench
