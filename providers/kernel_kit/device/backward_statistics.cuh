// The kernels before and after the backward kernels of sm_90a.
//
// backward_prepare: delta = rowsum(dO O), the LSE in powers of two, and zeros where dQ is summed.
//   Grid: padded_queries / 64 * heads * batch; 256 threads.
// backward_finish: dQ = scale * its fp32 sum. Grid: query_blocks * heads * batch; 256 threads.
#pragma once

#include "kernel_kit/device/backward_work.cuh"

constexpr int kStatisticsThreads = 256;

struct RowsOfHead {
  int first_row, head, batch;
  long long head_index;  // over all batches
  __device__ __forceinline__ RowsOfHead(const AttentionArguments& a, int rows) {
    const int blocks = kTile.padded_queries(a.seqlen_q) / rows;
    const int index = static_cast<int>(blockIdx.x);
    first_row = index % blocks * rows;
    head_index = index / blocks;
    head = index / blocks % a.heads;
    batch = index / blocks / a.heads;
  }
};

DEVICE const char* row_of_tensor(const AttentionTensor& tensor, const RowsOfHead& rows, int row,
                                 int column) {
  return static_cast<const char*>(tensor.data) +
         (rows.batch * tensor.batch_stride + rows.head * tensor.head_stride +
          row * tensor.row_stride + column) *
             2;
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
  const RowsOfHead rows(a, kRows);
  const int column = static_cast<int>(threadIdx.x) % kLanesPerRow * 8;
  const int padded = kTile.padded_queries(a.seqlen_q);
  const long long first = rows.head_index * padded + rows.first_row;
#pragma unroll
  for (int part = 0; part < kRows; part += kRowsAtOnce) {
    const int in_group = part + static_cast<int>(threadIdx.x) / kLanesPerRow;
    const int row = rows.first_row + in_group;
    float sum = 0.0f;
    if (row < a.seqlen_q && column < a.head_dim) {
      sum = dot(ptx::load_global_u4(row_of_tensor(a.o, rows, row, column)),
                ptx::load_global_u4(row_of_tensor(a.grad_o, rows, row, column)));
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
  float* sums = a.grad_q_sum + first * HEAD_DIM;
#pragma unroll
  for (int i = 0; i < kRows * HEAD_DIM; i += kStatisticsThreads * 4) {
    ptx::store_global_u4(sums + i + threadIdx.x * 4, 0, 0, 0, 0);
  }
}

extern "C" __global__ void __launch_bounds__(kStatisticsThreads)
    backward_finish(const __grid_constant__ AttentionArguments a) {
  constexpr int kVectors = kBlockQ * HEAD_DIM / 1024;  // of four values, a thread
  const RowsOfHead rows(a, kBlockQ);
  const int group = static_cast<int>(threadIdx.x) / 128,
            warp = static_cast<int>(threadIdx.x) / 32 % 4;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const float* sums =
      a.grad_q_sum +
      (rows.head_index * kTile.padded_queries(a.seqlen_q) + rows.first_row) * HEAD_DIM +
      ((group * 4 + warp) * (kVectors * 32) + lane) * 4;
  // As GradQ has it: at head_dim 64 the second warpgroup has the second 64 rows, else the second
  // half of the columns.
  const int row = rows.first_row + (HEAD_DIM == 64 ? group * 64 : 0) + warp * 16 + lane / 4;
  const int first_column = (HEAD_DIM == 64 ? 0 : group * (HEAD_DIM / 2)) + lane % 4 * 8;
#pragma unroll
  for (int part = 0; part < kVectors / 4; ++part) {
    u32 upper[4], lower[4];  // rows `row` and `row` + 8
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const float4 sum = *reinterpret_cast<const float4*>(sums + (part * 4 + i) * 128);
      upper[i] = ptx::pack<kElement>(sum.x * a.scale, sum.y * a.scale);
      lower[i] = ptx::pack<kElement>(sum.z * a.scale, sum.w * a.scale);
    }
    transpose_quad(upper, lane % 4);
    transpose_quad(lower, lane % 4);
    const int column = first_column + part * 32;
    if (column >= a.head_dim) continue;
    char* to = const_cast<char*>(row_of_tensor(a.grad_q, rows, row, column));
    if (row < a.seqlen_q) ptx::store_global_u4(to, upper[0], upper[1], upper[2], upper[3]);
    if (row + 8 < a.seqlen_q) {
      ptx::store_global_u4(to + a.grad_q.row_stride * 16, lower[0], lower[1], lower[2], lower[3]);
    }
  }
}
