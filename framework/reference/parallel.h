// A loop over independent tasks on a few threads. Each task writes only what is its own, so results
// do not depend on who did what.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <utility>

namespace attnbench {

// So many threads, and who may call them off.
struct Threads {
  Threads(int the_count, std::stop_token the_stop = {})
      : count(the_count), stop(std::move(the_stop)) {}
  int count;
  std::stop_token stop;
};

struct CalledOff {};  // thrown out of a loop that was stopped before its end

// Calls task(index, worker) for each index below `count`; `worker` is below max(1, threads.count)
// and no two calls run at once with the same one. Rethrows the first exception after all have
// ended.
void parallel_for(int64_t count, const Threads& threads,
                  const std::function<void(int64_t index, int worker)>& task);

}  // namespace attnbench
