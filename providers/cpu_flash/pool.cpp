#include "pool.h"

#include <pthread.h>
#include <csignal>

#include <chrono>
#include <exception>

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#endif

namespace cpu_flash {
namespace {

void relax() {
#if defined(__x86_64__) || defined(__i386__)
  _mm_pause();
#endif
}

// Waits until `value` differs from `old`. A pass follows a pass within microseconds inside a burst,
// and waking a sleeper costs some ten of them: so spins briefly, then sleeps.
uint32_t wait_for_change(std::atomic<uint32_t>& value, uint32_t old) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point end_of_patience = Clock::now() + std::chrono::microseconds(50);
  do {
    for (int i = 0; i < 64; ++i) {
      const uint32_t now = value.load(std::memory_order_acquire);
      if (now != old) return now;
      relax();
    }
  } while (Clock::now() < end_of_patience);
  value.wait(old, std::memory_order_acquire);
  return value.load(std::memory_order_acquire);
}

cpu_set_t only(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  return set;
}

// Pins the calling thread while it lives. Failure to pin costs speed, never the result.
class PinnedHere {
 public:
  explicit PinnedHere(int cpu) {
    const cpu_set_t wanted = only(cpu);
    is_pinned_ = sched_getaffinity(0, sizeof(before_), &before_) == 0 &&
                 !CPU_EQUAL(&before_, &wanted) &&
                 sched_setaffinity(0, sizeof(wanted), &wanted) == 0;
  }
  ~PinnedHere() {
    if (is_pinned_) sched_setaffinity(0, sizeof(before_), &before_);
  }
  PinnedHere(const PinnedHere&) = delete;
  PinnedHere& operator=(const PinnedHere&) = delete;

 private:
  cpu_set_t before_;
  bool is_pinned_;
};

class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

std::vector<int> allowed_cpus() {
  std::vector<int> cpus;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) {
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
    }
  }
  if (cpus.empty()) cpus.push_back(0);
  return cpus;
}

Pool::Pool(std::vector<int> cpus) : cpus_(std::move(cpus)) {
  const SignalsBlocked blocked;  // they are the host's business: threads inherit it
  workers_.reserve(cpus_.size());
  for (int64_t i = 1; i < size(); ++i) {
    std::unique_ptr<Worker> worker;
    try {
      worker = std::make_unique<Worker>();
      worker->thread = std::thread([this, &own = *worker, i] { serve(own, i); });
    } catch (const std::exception&) {  // no more threads or no memory: fewer must do
      cpus_.resize(i);
      break;
    }
    const cpu_set_t wanted = only(cpus_[i]);
    pthread_setaffinity_np(worker->thread.native_handle(), sizeof(wanted), &wanted);
    workers_.push_back(std::move(worker));
  }
}

Pool::~Pool() {
  call_ = nullptr;
  for (const std::unique_ptr<Worker>& worker : workers_) {
    worker->turns.fetch_add(1, std::memory_order_release);
    worker->turns.notify_one();
    worker->thread.join();
  }
}

void Pool::run_erased(int64_t num_threads, const void* work, Call call) {
  const PinnedHere pinned(cpus_[0]);
  work_ = work;
  call_ = call;
  unfinished_.store(static_cast<uint32_t>(num_threads - 1), std::memory_order_relaxed);
  for (int64_t i = 1; i < num_threads; ++i) {
    workers_[i - 1]->turns.fetch_add(1, std::memory_order_release);
    workers_[i - 1]->turns.notify_one();
  }
  call(work, 0);
  uint32_t left = unfinished_.load(std::memory_order_acquire);
  while (left != 0) left = wait_for_change(unfinished_, left);
}

void Pool::serve(Worker& worker, int64_t index) {
  uint32_t seen = 0;
  for (;;) {
    seen = wait_for_change(worker.turns, seen);
    if (!call_) return;
    call_(work_, index);
    if (unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1) unfinished_.notify_one();
  }
}

}  // namespace cpu_flash
