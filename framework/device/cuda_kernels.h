// What the host passes to the kernels of kernels/device_kernels.cu: plain structs that both
// compilers lay out alike. Pointers are device memory, or pinned host memory where it says so.
#pragma once

#include <cstdint>

// The kernels as PTX text; empty where attnbench was built without nvcc.
extern "C" const char attnbench_device_kernels_ptx[];

namespace attnbench {

// The law of tensor/inputs.h, for one tensor.
struct FillArguments {
  void* memory;
  const void* values;  // the law's table, as stored: kNormalTableSize elements
  int64_t elements;
  uint32_t key[2];
  uint32_t role, variant;
  uint32_t is_bias, low_threshold, low_bits;
  // Where memory order is not logical order: extents and strides of (batch, seqlen, heads,
  // head_dim), the last one contiguous.
  uint32_t is_logical_order;
  int64_t seqlen, heads, head_dim;
  int64_t batch_stride, seqlen_stride, heads_stride;
};

// The bands of one buffer: `count_guard_damage` leaves the damaged bytes of each band.
struct GuardArguments {
  unsigned char* bands[2];
  uint64_t bytes[2], positions[2];
  uint64_t* damaged_bytes;  // [2], pinned
};

// A RowBlock whose sums go to sums[first_sum] and on.
struct SumTask {
  int64_t first_element, rows, row_stride, columns, first_sum;
};

// One block of threads each writes its part of a hash; their sum is the hash.
inline constexpr unsigned kHashBlocks = 528;

}  // namespace attnbench
