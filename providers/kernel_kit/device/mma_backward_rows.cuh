// Before and after the portable backward kernel: statistics of the rows, and dQ from its fp32 sums
// (or, if IS_DETERMINISTIC, dQ itself).
#pragma once

#include "kernel_kit/device/mma_backward.cuh"

// delta = rowsum(dO * O), LSE in the units of Exponent, dQ's sums = 0. Rows that see nothing and
// rows beyond the last get LSE = +inf: all their weights are 0.
extern "C" __global__ void __launch_bounds__(MmaPrepareTile::kThreads)
    backward_prepare(const __grid_constant__ AttentionArguments a) {
  constexpr int kLanes = MmaPrepareTile::kLanesPerRow;
  const int padded_rows = kTile.padded_rows(a.seqlen_q);
  const int lane = static_cast<int>(threadIdx.x) % kLanes;
  const long long place = static_cast<long long>(blockIdx.x) * MmaPrepareTile::kRows +
                          static_cast<int>(threadIdx.x) / kLanes;
  const int row = static_cast<int>(place % padded_rows);
  const int head = static_cast<int>(place / padded_rows % a.heads);
  const int batch = static_cast<int>(place / padded_rows / a.heads);
  const bool is_inside = row < a.seqlen_q;

  float sum = 0.f;
  if (is_inside) {
    const u16* o = static_cast<const u16*>(a.o.data) + batch * a.o.batch_stride +
                   head * a.o.head_stride + row * a.o.row_stride;
    const u16* grad_o = static_cast<const u16*>(a.grad_o.data) + batch * a.grad_o.batch_stride +
                        head * a.grad_o.head_stride + row * a.grad_o.row_stride;
    for (int column = lane * 8; column < a.head_dim; column += kLanes * 8) {
      const uint4 left = ptx::load_global_u4(o + column);
      const uint4 right = ptx::load_global_u4(grad_o + column);
      const u32 lefts[4] = {left.x, left.y, left.z, left.w};
      const u32 rights[4] = {right.x, right.y, right.z, right.w};
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        float l0, l1, r0, r1;
        ptx::unpack<kElement>(lefts[i], l0, l1);
        ptx::unpack<kElement>(rights[i], r0, r1);
        sum += l0 * r0 + l1 * r1;
      }
    }
  }
#pragma unroll
  for (int distance = 1; distance < kLanes; distance *= 2) {
    sum += __shfl_xor_sync(~0u, sum, distance);
  }
  if (lane == 0) {
    float lse = -kInfinity;
    if (is_inside) lse = a.lse[batch * a.lse_batch_stride + head * a.lse_head_stride + row];
    a.delta[place] = sum;
    a.scaled_lse[place] = lse == -kInfinity ? kInfinity : HAS_BIAS ? lse : lse * kLog2E;
  }
  if (!IS_DETERMINISTIC) {
    float4* sums = reinterpret_cast<float4*>(a.grad_q_sum + place * HEAD_DIM);
#pragma unroll
    for (int i = lane; i < HEAD_DIM / 4; i += kLanes) sums[i] = float4{0.f, 0.f, 0.f, 0.f};
  }
}

#if !IS_DETERMINISTIC
extern "C" __global__ void __launch_bounds__(kThreads)
    backward_finish(const __grid_constant__ AttentionArguments a) {
  extern __shared__ __align__(1024) unsigned char shared[];
  const u32 tile = ptx::shared_address(shared);
  const BlockPlace place = block_place(kTile.row_tiles(a.seqlen_q), a.heads, 1);
  const float* from = a.grad_q_sum + query_sum_tile(a, place.batch, place.head, place.tile);
#pragma unroll
  for (int turn = 0; turn < kTile.query_turns(); ++turn) {
    QueryShare::Part sums;
    float* values = &sums.block[0][0][0];
#pragma unroll
    for (int i = 0; i < QueryShare::Part::kPerThread; ++i) {
      values[i] = from[turn * kQueryTurn + query_sum_place(i, lane_id())];
    }
    round_to_tile<HEAD_DIM>(sums, tile, QueryShare::row(),
                            turn * kTile.query_columns() + QueryShare::column(),
                            [&](int, int) { return a.scale; });
  }
  __syncthreads();
  RowTile(a.grad_q, place.batch, place.head, a.seqlen_q, a.head_dim, place.tile * BLOCK_Q, 0)
      .store(tile);
}
#else
#include "kernel_kit/device/mma_backward_walk.cuh"
#endif
