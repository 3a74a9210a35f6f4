// Which of cuDNN's compiled candidates is the fastest here? Tries them on tensors of its own.
#pragma once

#include <vector>

#include "gpu_common/driver.h"
#include "graph.h"

namespace cudnn_sdpa {

// Returns the candidate with the least median time. Its memory is freed again. Throws
// attn::Failure.
int64_t fastest(const gpu::Driver& driver, const attn::PlanRequest& request, Session& session,
                const Graph& graph, const std::vector<int64_t>& compiled);

}  // namespace cudnn_sdpa
