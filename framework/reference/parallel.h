// A loop over independent tasks on a few threads. Each task writes only what is its own, so results
// do not depend on who did what.
#pragma once

#include <cstdint>
#include <functional>

namespace attnbench {

// Calls task(index, worker) for each index below `count`; `worker` is below max(1, threads) and no
// two calls run at once with the same one. Rethrows the first exception after all have ended.
void parallel_for(int64_t count, int threads,
                  const std::function<void(int64_t index, int worker)>& task);

}  // namespace attnbench
