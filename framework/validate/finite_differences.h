// Gradients without a formula for them: how far the loss moves when one input is nudged. Where the
// fp64 reference and a provider share a mistake in the backward pass, this does not.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "model/problem.h"
#include "supervise/run_context.h"
#include "supervise/trial_life.h"

namespace attnbench {

// Row behind row: by batch, head, position.
struct Gradients {
  std::vector<double> dq, dk, dv;
};

// Of the loss sum(dO * O) with inputs drawn from (seed, variant 0): central differences of
// provider.h's formula in fp64. Each number costs two forward passes: for tiny problems only.
Gradients slopes_of(const Problem& problem, uint64_t seed);

// A provider's own backward pass against the slopes. Nothing: they agree.
std::optional<End> compare_with_slopes(RunContext& context, const ProviderInfo& provider,
                                       const std::string& device, const Problem& problem);

}  // namespace attnbench
