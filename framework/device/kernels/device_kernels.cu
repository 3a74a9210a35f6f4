// The kernels behind CudaDevice: they fill, check and time, and none is ever a part of a
// measurement. Speed matters little, being right on any sm_80+ GPU all the more; so they share the
// host's own functions (philox, guard_byte, mix64) instead of repeating them.
//
// Compiled to PTX at build time; extern "C", so that the driver finds them by name.
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <mma.h>

#include "base/hash.h"
#include "device/cuda_kernels.h"
#include "device/guard.h"
#include "tensor/philox.h"

namespace attnbench {
namespace {

constexpr uint64_t kGoldenRatio = 0x9e3779b97f4a7c15;  // 2^64 / phi

__device__ int64_t thread_in_grid() {
  return int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
}

__device__ int64_t threads_in_grid() {
  return int64_t{gridDim.x} * blockDim.x;
}

// Nanoseconds, the same for all SMs (PTX ISA 10, special registers, %globaltimer).
__device__ uint64_t global_nanoseconds() {
  uint64_t nanoseconds;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(nanoseconds));
  return nanoseconds;
}

// ---- Inputs

template <typename Element, int count>
struct alignas(sizeof(Element) * count < 16 ? sizeof(Element) * count : 16) Pack {
  Element elements[count];
};

__device__ PhiloxBlock<1> drawn(const FillArguments& fill, int64_t counter) {
  PhiloxBlock<1> block;
  block.words[0][0] = static_cast<uint32_t>(counter);
  block.words[1][0] = static_cast<uint32_t>(counter >> 32);
  block.words[2][0] = fill.role;
  block.words[3][0] = fill.variant;
  philox4x32(block, {fill.key[0], fill.key[1]});
  return block;
}

__device__ int64_t position_of(const FillArguments& fill, int64_t element) {
  if (fill.is_logical_order) return element;
  const int64_t d = element % fill.head_dim;
  const int64_t row = element / fill.head_dim;
  const int64_t h = row % fill.heads;
  const int64_t s = row / fill.heads % fill.seqlen;
  const int64_t b = row / fill.heads / fill.seqlen;
  return b * fill.batch_stride + s * fill.seqlen_stride + h * fill.heads_stride + d;
}

template <typename Element, int count>
__device__ void store(const FillArguments& fill, int64_t first, const Pack<Element, count>& pack) {
  Element* memory = static_cast<Element*>(fill.memory);
  const bool stays_in_row = fill.is_logical_order || fill.head_dim % count == 0;
  if (stays_in_row && first + count <= fill.elements) {
    *reinterpret_cast<Pack<Element, count>*>(memory + position_of(fill, first)) = pack;
    return;
  }
  for (int i = 0; i < count && first + i < fill.elements; ++i) {
    memory[position_of(fill, first + i)] = pack.elements[i];
  }
}

template <typename Element>
__device__ void fill_normal(const FillArguments& fill) {
  const Element* values = static_cast<const Element*>(fill.values);
  for (int64_t n = thread_in_grid(); n * 8 < fill.elements; n += threads_in_grid()) {
    const PhiloxBlock<1> block = drawn(fill, n);
    Pack<Element, 8> pack;
    for (int word = 0; word < 4; ++word) {
      const uint32_t random = block.words[word][0];
      pack.elements[2 * word] = values[random & 0xffff];
      pack.elements[2 * word + 1] = values[random >> 16];
    }
    store(fill, n * 8, pack);
  }
}

template <typename Element>
__device__ void fill_bias(const FillArguments& fill) {
  const Element* values = static_cast<const Element*>(fill.values);
  for (int64_t n = thread_in_grid(); n * 4 < fill.elements; n += threads_in_grid()) {
    const PhiloxBlock<1> block = drawn(fill, n);
    Pack<Element, 4> pack;
    for (int word = 0; word < 4; ++word) {
      const uint32_t random = block.words[word][0];
      const bool is_low = (random >> 16) < fill.low_threshold;
      pack.elements[word] = is_low ? static_cast<Element>(fill.low_bits) : values[random & 0xffff];
    }
    store(fill, n * 4, pack);
  }
}

// ---- Sums

__device__ double widened(const __half* value) {
  return __half2float(*value);
}
__device__ double widened(const __nv_bfloat16* value) {
  return __bfloat162float(*value);
}
__device__ double widened(const float* value) {
  return *value;
}

// A block of 32 x 32 threads: a thread has one column and each 32nd row. No atomics: the same sums
// to the last bit each time.
template <typename Element>
__device__ void sum_columns(const Element* memory, const SumTask& task, double* sums) {
  __shared__ double parts[32][33];
  const int64_t column = int64_t{blockIdx.y} * 32 + threadIdx.x;
  double sum = 0.0;
  if (column < task.columns) {
    const Element* top = memory + task.first_element + column;
    for (int64_t row = threadIdx.y; row < task.rows; row += 32) {
      sum += widened(top + row * task.row_stride);
    }
  }
  parts[threadIdx.y][threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.y != 0 || column >= task.columns) return;
  double total = 0.0;
  for (int part = 0; part < 32; ++part) total += parts[part][threadIdx.x];
  sums[task.first_sum + column] = total;
}

}  // namespace

extern "C" {

__global__ void fill_16bit(const FillArguments fill) {
  if (fill.is_bias) {
    fill_bias<uint16_t>(fill);
  } else {
    fill_normal<uint16_t>(fill);
  }
}

__global__ void fill_32bit(const FillArguments fill) {
  if (fill.is_bias) {
    fill_bias<uint32_t>(fill);
  } else {
    fill_normal<uint32_t>(fill);
  }
}

__global__ void write_guards(const GuardArguments guards) {
  const unsigned side = blockIdx.x;
  for (uint64_t i = threadIdx.x; i < guards.bytes[side]; i += blockDim.x) {
    guards.bands[side][i] = guard_byte(guards.positions[side] + i);
  }
}

__global__ void count_guard_damage(const GuardArguments guards) {
  __shared__ unsigned long long damaged_bytes;
  const unsigned side = blockIdx.x;
  if (threadIdx.x == 0) damaged_bytes = 0;
  __syncthreads();
  unsigned long long mine = 0;
  for (uint64_t i = threadIdx.x; i < guards.bytes[side]; i += blockDim.x) {
    mine += guards.bands[side][i] != guard_byte(guards.positions[side] + i);
  }
  if (mine > 0) atomicAdd(&damaged_bytes, mine);
  __syncthreads();
  if (threadIdx.x == 0) guards.damaged_bytes[side] = damaged_bytes;
}

// A sum over positions, so that the order in which threads come does not matter; each word is mixed
// with its position, so that neither a changed nor a moved word leaves the sum as it was. Launched
// with kHashBlocks blocks of 256 threads; memory is aligned to 8.
__global__ void hash_memory(const unsigned char* memory, uint64_t bytes, uint64_t* parts) {
  __shared__ uint64_t sums[256];
  const uint64_t* words = reinterpret_cast<const uint64_t*>(memory);
  const int64_t whole_words = static_cast<int64_t>(bytes / 8);
  uint64_t sum = 0;
  for (int64_t i = thread_in_grid(); i < whole_words; i += threads_in_grid()) {
    sum += mix64(words[i] ^ ((i + 1) * kGoldenRatio));
  }
  if (thread_in_grid() == 0 && bytes % 8 != 0) {
    uint64_t rest = 0;
    for (uint64_t i = whole_words * 8; i < bytes; ++i) rest = rest << 8 | memory[i];
    sum += mix64(rest ^ ((whole_words + 1) * kGoldenRatio));
  }
  sums[threadIdx.x] = sum;
  __syncthreads();
  for (unsigned half = 128; half > 0; half /= 2) {
    if (threadIdx.x < half) sums[threadIdx.x] += sums[threadIdx.x + half];
    __syncthreads();
  }
  if (threadIdx.x == 0) parts[blockIdx.x] = sums[0];
}

// One block a row: `row_bytes` from first_bytes[row] on, both multiples of 2. `rows` is pinned.
__global__ void gather_rows(const unsigned char* memory, const int64_t* first_bytes,
                            int64_t row_bytes, unsigned char* rows) {
  const uint16_t* from = reinterpret_cast<const uint16_t*>(memory + first_bytes[blockIdx.x]);
  uint16_t* to = reinterpret_cast<uint16_t*>(rows + blockIdx.x * row_bytes);
  for (int64_t i = threadIdx.x; i < row_bytes / 2; i += blockDim.x) to[i] = from[i];
}

// Grid (tasks, columns / 32 of the widest). `sums` is pinned.
__global__ void sum_columns_fp16(const __half* memory, const SumTask* tasks, double* sums) {
  sum_columns(memory, tasks[blockIdx.x], sums);
}
__global__ void sum_columns_bf16(const __nv_bfloat16* memory, const SumTask* tasks, double* sums) {
  sum_columns(memory, tasks[blockIdx.x], sums);
}
__global__ void sum_columns_fp32(const float* memory, const SumTask* tasks, double* sums) {
  sum_columns(memory, tasks[blockIdx.x], sums);
}

// Fills the L2 cache with lines of no use. Another value each time, so that no line is merely
// found unchanged.
__global__ void flush_cache(uint4* memory, int64_t count, uint32_t value) {
  for (int64_t i = thread_in_grid(); i < count; i += threads_in_grid()) {
    memory[i] = make_uint4(value, value, value, static_cast<uint32_t>(i));
  }
}

__global__ void spin(uint64_t nanoseconds) {
  const uint64_t start = global_nanoseconds();
  while (global_nanoseconds() - start < nanoseconds) {
  }
}

// Draws power: matrix products of numbers that differ in every bit, since zeros heat little.
// `sink` is never written, but the compiler cannot know.
__global__ void heat(int rounds, float* sink) {
  using namespace nvcuda;
  constexpr int kChains = 4;
  wmma::fragment<wmma::matrix_a, 16, 16, 16, half, wmma::row_major> a;
  wmma::fragment<wmma::matrix_b, 16, 16, 16, half, wmma::col_major> b;
  wmma::fragment<wmma::accumulator, 16, 16, 16, float> sums[kChains];
  const uint64_t seed = static_cast<uint64_t>(thread_in_grid());
  for (int i = 0; i < a.num_elements; ++i) {
    a.x[i] = __float2half(static_cast<float>(mix64(seed * 64 + i) & 0xffff) / 32768.0f - 1.0f);
  }
  for (int i = 0; i < b.num_elements; ++i) {
    b.x[i] = __float2half(static_cast<float>(mix64(~(seed * 64 + i)) & 0xffff) / 32768.0f - 1.0f);
  }
  for (int chain = 0; chain < kChains; ++chain) wmma::fill_fragment(sums[chain], 0.0f);
  for (int round = 0; round < rounds; ++round) {
    for (int chain = 0; chain < kChains; ++chain) {
      wmma::mma_sync(sums[chain], a, b, sums[chain]);
    }
  }
  float total = 0.0f;
  for (int chain = 0; chain < kChains; ++chain) {
    for (int i = 0; i < sums[chain].num_elements; ++i) total += sums[chain].x[i];
  }
  if (total == 12345.678f) *sink = total;
}

}  // extern "C"
}  // namespace attnbench
