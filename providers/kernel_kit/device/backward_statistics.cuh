// The kernels before and after the backward kernels of sm_90a. 256 threads.
//
// backward_prepare: delta = rowsum(dO O), the LSE in the kernels' units, and zeros where gradients
//   are summed. Grid: padded_queries / 64 * heads * batch, then two for each dealt block.
// backward_finish: 16-bit gradients from fp32 sums: dQ = scale * sum, and dK and dV of dealt
// blocks.
//   Grid: query_blocks * heads * batch, then two for each dealt block.
#pragma once

#include "kernel_kit/device/backward_work.cuh"

constexpr int kStatisticsThreads = 256;

struct RowsOfHead {
  int first_row, head, batch;

  // Of padded rows in runs of `rows`.
  __device__ __forceinline__ RowsOfHead(const AttentionArguments& a, int rows) {
    const int blocks = kTile.padded_queries(a.seqlen_q) / rows;
    const int index = static_cast<int>(blockIdx.x);
    first_row = index % blocks * rows;
    head = index / blocks % a.heads;
    batch = index / blocks / a.heads;
  }
  __device__ __forceinline__ explicit RowsOfHead(const KeyPlace& place)
      : first_row(place.first_key), head(place.kv_head), batch(place.batch) {}

  __device__ __forceinline__ char* address(const AttentionTensor& tensor, int row,
                                           int column) const {
    return static_cast<char*>(tensor.data) +
           (batch * tensor.batch_stride + head * tensor.head_stride + row * tensor.row_stride +
            column) *
               2;
  }
  __device__ __forceinline__ long long row_of_workspace(const AttentionArguments& a) const {
    return (static_cast<long long>(batch) * a.heads + head) * kTile.padded_queries(a.seqlen_q) +
           first_row;
  }
};

// Blocks of the grid behind `others`: each has dK or dV of one dealt block.
struct DealtGradient {
  int index;  // two for each block
  bool is_of_v;
  __device__ __forceinline__ explicit DealtGradient(int others)
      : index(static_cast<int>(blockIdx.x) - others), is_of_v(index % 2 != 0) {}
  __device__ __forceinline__ bool exists() const { return kDealsLastWave && index >= 0; }
  __device__ __forceinline__ int block() const { return index / 2; }
  __device__ __forceinline__ float* sums(const AttentionArguments& a) const {
    return (is_of_v ? a.grad_v_sum : a.grad_k_sum) + block() * (kBlockK * HEAD_DIM);
  }
};

template <int kValues>
DEVICE void clear(float* values) {
#pragma unroll
  for (int i = 0; i < kValues; i += kStatisticsThreads * 4) {
    ptx::store_global_u4(values + i + threadIdx.x * 4, 0, 0, 0, 0);
  }
}

DEVICE float dot(const uint4& x, const uint4& y) {
  const u32 of_x[4] = {x.x, x.y, x.z, x.w}, of_y[4] = {y.x, y.y, y.z, y.w};
  float sum = 0.0f;
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    float x0, x1, y0, y1;
    ptx::unpack<kElement>(of_x[i], x0, x1);
    ptx::unpack<kElement>(of_y[i], y0, y1);
    sum = __fmaf_rn(x0, y0, __fmaf_rn(x1, y1, sum));
  }
  return sum;
}

// Of a row that sees no key the LSE is -inf: with +inf instead, exp(S - LSE) is 0. So it is for
// rows that only fill up a tile.
DEVICE float scaled_or_hidden(float lse) {
  constexpr float kInfinity = __builtin_bit_cast(float, 0x7f800000);
  return lse == -kInfinity ? kInfinity : kBiasIsAnyFloat ? lse : lse * kLog2E;
}

extern "C" __global__ void __launch_bounds__(kStatisticsThreads)
    backward_prepare(const __grid_constant__ AttentionArguments a) {
  constexpr int kRows = 64, kLanesPerRow = HEAD_DIM / 8;
  constexpr int kRowsAtOnce = kStatisticsThreads / kLanesPerRow;
  const DealtGradient dealt(kTile.padded_queries(a.seqlen_q) / kRows * a.heads * a.batch);
  if (dealt.exists()) return clear<kBlockK * HEAD_DIM>(dealt.sums(a));
  const RowsOfHead rows(a, kRows);
  const int column = static_cast<int>(threadIdx.x) % kLanesPerRow * 8;
  const long long first = rows.row_of_workspace(a);
#pragma unroll
  for (int part = 0; part < kRows; part += kRowsAtOnce) {
    const int in_group = part + static_cast<int>(threadIdx.x) / kLanesPerRow;
    const int row = rows.first_row + in_group;
    float sum = 0.0f;
    if (row < a.seqlen_q && column < a.head_dim) {
      sum = dot(ptx::load_global_u4(rows.address(a.o, row, column)),
                ptx::load_global_u4(rows.address(a.grad_o, row, column)));
    }
#pragma unroll
    for (int lanes = kLanesPerRow / 2; lanes > 0; lanes /= 2) {
      sum += __shfl_xor_sync(~0u, sum, lanes);
    }
    if (column == 0) {
      const float lse =
          row < a.seqlen_q
              ? a.lse[rows.batch * a.lse_batch_stride + rows.head * a.lse_head_stride + row]
              : __builtin_bit_cast(float, 0xff800000);
      a.scaled_lse[first + statistics_place(in_group)] = scaled_or_hidden(lse);
      a.delta[first + statistics_place(in_group)] = sum;
    }
  }
  clear<kRows * HEAD_DIM>(a.grad_q_sum + first * HEAD_DIM);
}

// Rounds 16-bit rows out of the fp32 sums of a tile. Two groups of four warps, of which each lane
// has kVectors times four values side by side; the second group has the next 64 rows or the right
// half of the columns.
template <int kVectors, bool kGroupsAreRows>
DEVICE void round_tile(const AttentionArguments& a, const float* sums,
                       const AttentionTensor& tensor, const RowsOfHead& rows, int end,
                       float factor) {
  const int thread = static_cast<int>(threadIdx.x), group = thread / 128, warp = thread / 32 % 4;
  const int lane = thread % 32;
  sums += ((group * 4 + warp) * (kVectors * 32) + lane) * 4;
  const int row = rows.first_row + (kGroupsAreRows ? group * 64 : 0) + warp * 16 + lane / 4;
  const int first_column = (kGroupsAreRows ? 0 : group * (HEAD_DIM / 2)) + lane % 4 * 8;
#pragma unroll
  for (int part = 0; part < kVectors / 4; ++part) {
    u32 upper[4], lower[4];  // rows `row` and `row` + 8
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const float4 sum = *reinterpret_cast<const float4*>(sums + (part * 4 + i) * 128);
      upper[i] = ptx::pack<kElement>(sum.x * factor, sum.y * factor);
      lower[i] = ptx::pack<kElement>(sum.z * factor, sum.w * factor);
    }
    transpose_quad(upper, lane % 4);
    transpose_quad(lower, lane % 4);
    const int column = first_column + part * 32;
    if (column >= a.head_dim) continue;
    char* const to = rows.address(tensor, row, column);
    if (row < end) ptx::store_global_u4(to, upper[0], upper[1], upper[2], upper[3]);
    if (row + 8 < end) {
      ptx::store_global_u4(to + tensor.row_stride * 16, lower[0], lower[1], lower[2], lower[3]);
    }
  }
}

extern "C" __global__ void __launch_bounds__(kStatisticsThreads)
    backward_finish(const __grid_constant__ AttentionArguments a) {
  const DealtGradient dealt(kTile.query_blocks(a.seqlen_q) * a.heads * a.batch);
  if (dealt.exists()) {
    round_tile<kBlockK * HEAD_DIM / 1024, !kTile.splits_by_role()>(
        a, dealt.sums(a), dealt.is_of_v ? a.grad_v : a.grad_k,
        RowsOfHead(KeyPlace(a, last_wave(a).whole + dealt.block())), a.seqlen_kv,
        dealt.is_of_v ? 1.0f : a.scale);
  } else {
    const RowsOfHead rows(a, kBlockQ);
    round_tile<kBlockQ * HEAD_DIM / 1024, HEAD_DIM == 64>(
        a, a.grad_q_sum + rows.row_of_workspace(a) * HEAD_DIM, a.grad_q, rows, a.seqlen_q, a.scale);
  }
}
