// What both computing warpgroups of the sm_90a backward kernels do, however their tiles are loaded:
// the elementwise steps between the products, and how dQ, dK and dV leave.
//
// Scores are held transposed, keys x queries: so P^T and dS^T, as they come out of a product, are
// at once the A operands of dV += P^T dO and dK += dS^T Q. Only dQ = dS K needs dS in shared
// memory.
#pragma once

#include "kernel_kit/device/backward_work.cuh"

struct Lane {
  int group, warp, lane;  // warpgroup 0 or 1, its warp, the warp's lane
  u32 shared;             // the block's memory

  __device__ __forceinline__ int quad() const { return lane & 3; }
  // Once a warp, for all that its lanes have read or written.
  __device__ __forceinline__ void arrive(u32 barrier) const {
    __syncwarp();
    if (ALL_LANES_ARRIVE || lane == 0) ptx::mbarrier_arrive(barrier);
  }
  // Where this lane's row of stmatrix lies in a page: 16 rows a warp, blocks of 8 x 8 in the order
  // rows 0-7, 8-15, then the next 8 columns.
  __device__ __forceinline__ u32 store_row() const {
    return (warp * 16 + (lane & 15)) * 128 + (((lane >> 4) ^ (lane & 7)) << 4);
  }
  // The same for ldmatrix.trans on a bias tile of queries x keys.
  __device__ __forceinline__ u32 bias_row() const {
    return ((lane & 7) + (lane >> 4) * 8) * 128 +
           (((2 * warp + (lane >> 3 & 1)) ^ (lane & 7)) << 4);
  }
  template <int kPart>  // 16 queries
  __device__ __forceinline__ float4 statistics(u32 tile) const {
    return ptx::load_shared_f4<kPart * 64>(tile + quad() * 16);
  }
};

// What S is multiplied by: scores in powers of two, but for biases in natural units.
DEVICE float score_factor(const AttentionArguments& a) {
  return kBiasIsAnyFloat ? a.scale : a.scale * kLog2E;
}

// P of 16 queries: exp(scale S + bias - LSE), packed as the A operand of dV. The LSE comes in the
// units of score_factor(). Of rows that see nothing it is +inf here: their P is 0.
DEVICE void make_p(const float* s, float factor, float4 lse, const u32* bias, u32* p) {
  const float of[4] = {lse.x, lse.y, lse.z, lse.w};
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    float x, y;
    if constexpr (HAS_BIAS) ptx::unpack<kElement>(bias[i], x, y);
    if constexpr (kBiasIsAnyFloat) {
      x = (__fmaf_rn(s[2 * i], factor, x) - of[i / 2 * 2]) * kLog2E;
      y = (__fmaf_rn(s[2 * i + 1], factor, y) - of[i / 2 * 2 + 1]) * kLog2E;
    } else {
      const float x_of_s = __fmaf_rn(s[2 * i], factor, -of[i / 2 * 2]);
      const float y_of_s = __fmaf_rn(s[2 * i + 1], factor, -of[i / 2 * 2 + 1]);
      x = HAS_BIAS ? __fmaf_rn(x, kLog2E, x_of_s) : x_of_s;
      y = HAS_BIAS ? __fmaf_rn(y, kLog2E, y_of_s) : y_of_s;
    }
    p[i] = ptx::pack<kElement>(ptx::exp2(x), ptx::exp2(y));
  }
}

// dS = P (dP - delta) of 16 queries. From the rounded P that dV sees: the fp32 one would need 32
// registers more.
DEVICE void make_grad_scores(const u32* p, const float* grad_p, float4 delta, u32* grad_scores) {
  const float of[4] = {delta.x, delta.y, delta.z, delta.w};
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    float x, y;
    ptx::unpack<kElement>(p[i], x, y);
    grad_scores[i] = ptx::pack<kElement>(x * (grad_p[2 * i] - of[i / 2 * 2]),
                                         y * (grad_p[2 * i + 1] - of[i / 2 * 2 + 1]));
  }
}

// P = 0 where a key may not be seen; dS follows. After the exponentials and on packed pairs: so
// only tiles on the edge pay, and what overflowed there does no harm.
struct Visibility {
  static constexpr bool kNeeded = IS_CAUSAL || HAS_TAILS;
  int first_key, key;  // of the warpgroup's 64; this lane's, and + 8

  __device__ __forceinline__ Visibility(const BackwardWork& work, int first, const Lane& lane)
      : first_key(work.first_key + first), key(first_key + lane.warp * 16 + lane.lane / 4) {}

  template <int kPacked>
  __device__ __forceinline__ void hide(const AttentionArguments& a, const Lane& lane,
                                       int query_block, u32 (&p)[kPacked]) const {
    if (!kNeeded) return;
    const int first_query = query_block * kBlockQ;
    bool on_edge = HAS_TAILS && first_key + 64 > a.seqlen_kv;
    if (IS_CAUSAL) on_edge |= first_key + 63 > first_query + a.diagonal;
    if (!on_edge) return;
    int seen_from[2];  // the first query that sees the key, counted from this lane's first
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      seen_from[r] = IS_CAUSAL ? key + 8 * r - a.diagonal - first_query - 2 * lane.quad() : 0;
      if (HAS_TAILS && key + 8 * r >= a.seqlen_kv) seen_from[r] = kBlockQ;
    }
#pragma unroll
    for (int i = 0; i < kPacked; ++i) {
      const int query = i / 4 * 16 + i % 4 / 2 * 8, from = seen_from[i % 2];
      p[i] &= (query >= from ? 0xffffu : 0u) | (query + 1 >= from ? 0xffff0000u : 0u);
    }
  }
};

// dQ of one tile, from both warpgroups: fp32 sums in a layout of their own, each warp's registers
// side by side, which backward_finish undoes.
template <int kValues>
struct GradQ {
  const AttentionArguments& a;
  int tile;  // of the workspace; an address would cost a register more

  __device__ __forceinline__ GradQ(const AttentionArguments& arguments, const BackwardWork& work)
      : a(arguments), tile(static_cast<int>(work.first_tile(arguments))) {}

  // The reductions occupy the load/store unit for hundreds of cycles: what else goes through it
  // must be issued before.
  __device__ __forceinline__ void add(const float (&x)[kValues], const Lane& lane) const {
    const int part = (lane.group * 4 + lane.warp) * (kBlockQ * HEAD_DIM / 8);
    float* to = a.grad_q_sum + static_cast<long long>(tile) * (kBlockQ * HEAD_DIM) + part;
    const u32 staging = lane.shared + kTile.grad_q_offset() + part * 4;
    if constexpr (GRAD_Q_IN_BULK) {
      if (lane.lane == 0) ptx::bulk_wait_read<0>();  // the last tile has left the staging memory
      __syncwarp();
      static_for<kValues / 4>([&](auto index) {
        constexpr int i = decltype(index)::value;
        ptx::store_shared_f4<i * 512>(staging + lane.lane * 16, x[4 * i], x[4 * i + 1],
                                      x[4 * i + 2], x[4 * i + 3]);
      });
      ptx::fence_async_proxy();
      __syncwarp();
      if (lane.lane == 0) {
        ptx::bulk_add(to, staging, kValues * 128);
        ptx::bulk_commit();
      }
    } else {
      static_for<kValues / 4>([&](auto index) {
        constexpr int i = decltype(index)::value;
        ptx::add_global_f4<i * 512>(to + lane.lane * 4, x[4 * i], x[4 * i + 1], x[4 * i + 2],
                                    x[4 * i + 3]);
      });
    }
  }
};

// A warpgroup's sums of dK or dV, 64 keys, into shared memory in pages of 64 columns.
template <int kValues>
DEVICE void stage_gradient(const float (&x)[kValues], float factor, u32 tile, const Lane& lane) {
  static_for<kValues / 8>([&](auto index) {
    constexpr int i = decltype(index)::value;
    ptx::stmatrix<i / 4 * kKeyPage>(
        (tile + lane.store_row()) ^ ((i & 3) << 5),
        ptx::pack<kElement>(x[8 * i] * factor, x[8 * i + 1] * factor),
        ptx::pack<kElement>(x[8 * i + 2] * factor, x[8 * i + 3] * factor),
        ptx::pack<kElement>(x[8 * i + 4] * factor, x[8 * i + 5] * factor),
        ptx::pack<kElement>(x[8 * i + 6] * factor, x[8 * i + 7] * factor));
  });
}

// The same of a block that was dealt out: added to the fp32 sums of all its parts, in a layout of
// their own that backward_finish undoes: parts of kPart values side by side for each lane.
template <int kPart, int kValues>
DEVICE void add_gradient(const float (&x)[kValues], float* sums, int dealt, int first_part,
                         const Lane& lane) {
  constexpr int kWarp = kPart * 32;  // values
  float* to = sums + dealt * (kBlockK * HEAD_DIM) + first_part * (4 * kWarp) + lane.warp * kWarp +
              lane.lane * 4;
  static_for<kValues / 4>([&](auto index) {
    constexpr int i = decltype(index)::value * 4;
    constexpr int kOffset = (i / kPart * (4 * kWarp) + i % kPart * 32) * 4;
    ptx::add_global_f4<kOffset>(to, x[i], x[i + 1], x[i + 2], x[i + 3]);
  });
}

// Named barriers, besides __syncthreads' 0.
enum NamedBarrier { kKeysFree = 1, kGroup0 = 2, kGroup1 = 3, kHeadStart = 4 };

DEVICE void sync_group(int group) {
  if (group == 0)
    ptx::barrier_sync<kGroup0, 128>();
  else
    ptx::barrier_sync<kGroup1, 128>();
}
