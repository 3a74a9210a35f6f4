#include "reference/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace attnbench {

void parallel_for(int64_t count, const Threads& threads,
                  const std::function<void(int64_t index, int worker)>& task) {
  std::atomic<int64_t> next = 0;
  std::mutex failure_mutex;
  std::exception_ptr failure;
  const auto work = [&](int worker) {
    try {
      for (int64_t index = next++; index < count; index = next++) {
        if (threads.stop.stop_requested()) throw CalledOff{};
        task(index, worker);
      }
    } catch (...) {
      const std::lock_guard<std::mutex> lock(failure_mutex);
      if (!failure) failure = std::current_exception();
      next = count;
    }
  };
  {
    std::vector<std::jthread> others;
    const int64_t workers = std::min<int64_t>(std::max(1, threads.count), count);
    for (int worker = 1; worker < workers; ++worker) others.emplace_back(work, worker);
    work(0);
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace attnbench
