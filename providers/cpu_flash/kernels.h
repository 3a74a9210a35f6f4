// The kernels as the rest of the provider sees them: a table of functions, one table for each
// instruction set, chosen when the provider starts. Every function is called by all threads of the
// pool at once and takes items from a shared counter until none is left.
#pragma once

#include <atomic>
#include <cstdint>

#include "job.h"

namespace cpu_flash {

struct alignas(64) Counter {
  std::atomic<int64_t> next{0};
};

struct Kernels {
  const char* instruction_set;
  int64_t panel_rows;
  void (*forward)(const Forward& job, Counter& items, int64_t thread);
  // With num_splits > 1, after all of forward: puts the splits of each row together.
  void (*combine)(const Forward& job, Counter& rows, int64_t thread);
  // Backward is two steps: what depends on single rows, then all else.
  void (*prepare_backward)(const Backward& job, Counter& items, int64_t thread);
  void (*backward)(const Backward& job, Counter& items, int64_t thread);
};

// The best that this CPU has (and Highway has not been told to leave out).
Kernels best_kernels();

}  // namespace cpu_flash
