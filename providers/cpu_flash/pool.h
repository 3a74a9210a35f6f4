// A few threads that wait for work, each pinned to one CPU of the allowed set. The caller is the
// first of them: for the length of a pass it is pinned too, so that it never shares a CPU with a
// worker.
#pragma once

#include <sched.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

namespace cpu_flash {

// The CPUs this process may use, as of now.
std::vector<int> allowed_cpus();

class Pool {
 public:
  explicit Pool(std::vector<int> cpus);
  ~Pool();
  Pool(const Pool&) = delete;  // threads hold its address
  Pool& operator=(const Pool&) = delete;

  int64_t size() const { return static_cast<int64_t>(cpus_.size()); }

  // Runs work(0) here and work(1) to work(num_threads - 1) on the workers; returns when all are
  // done. Allocates nothing. `work` must not throw.
  template <class Work>
  void run(int64_t num_threads, const Work& work) {
    run_erased(num_threads, &work, [](const void* erased, int64_t thread) {
      (*static_cast<const Work*>(erased))(thread);
    });
  }

 private:
  using Call = void (*)(const void* work, int64_t thread);
  struct alignas(64) Worker {
    std::atomic<uint32_t> turns{0};  // each increment is a call to answer
    std::thread thread;
  };

  void run_erased(int64_t num_threads, const void* work, Call call);
  void serve(Worker& worker, int64_t index);

  std::vector<int> cpus_;
  std::vector<std::unique_ptr<Worker>> workers_;  // one less than CPUs
  const void* work_ = nullptr;
  Call call_ = nullptr;  // nullptr: leave
  alignas(64) std::atomic<uint32_t> unfinished_{0};
};

}  // namespace cpu_flash
