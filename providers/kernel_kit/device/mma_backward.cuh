// Backward attention with cp.async, ldmatrix and mma.sync: every GPU from sm_80 on, every feature.
//   P = exp(S - LSE), dV = P^T dO, dP = dO V^T, dS = P * (dP - delta), dK = scale dS^T Q,
//   dQ = scale dS K, with delta = rowsum(dO * O).
//
// A block computes dK and dV of one tile of keys of one KV head, going through the rows of all
// heads of its group: their sum needs no second block. dQ sums over keys, that is over blocks: by
// atomic additions to an fp32 workspace in an order of elements that makes them contiguous
// (mma_backward_rows.cuh reads it again), or, if IS_DETERMINISTIC, in another kernel.
//
// All five products are divided among all warps, each by its own grid, so P and dS go through
// shared memory; a warp's share of dK and dV stays in registers.
//
// Macros: those of mma_forward.cuh, but NUM_WARPS 4 or 8; IS_DETERMINISTIC 0 or 1.
#pragma once

#include "kernel_kit/device/attention.h"
#include "kernel_kit/device/block_order.cuh"
#include "kernel_kit/device/mma_backward_tile.h"
#include "kernel_kit/device/mma_softmax.cuh"
#include "kernel_kit/device/mma_tile.cuh"

constexpr MmaBackwardTile kTile{BLOCK_Q, BLOCK_K, HEAD_DIM, NUM_WARPS, NUM_STAGES, HAS_BIAS};
constexpr int kThreads = kTile.threads();

// A result of rows x columns, one warp's part of it.
template <int kRows, int kColumns>
struct Share {
  static constexpr WarpGrid kGrid = WarpGrid::of(NUM_WARPS, kRows, kColumns);
  static constexpr int kPartRows = kRows / kGrid.rows, kPartColumns = kColumns / kGrid.columns;
  using Part = Sums<kPartRows / 16, kPartColumns / 16>;

  DEVICE int row() { return warp_id() / kGrid.columns * kPartRows; }
  DEVICE int column() { return warp_id() % kGrid.columns * kPartColumns; }
};
using ScoreShare = Share<BLOCK_Q, BLOCK_K>;
using KeyShare = Share<BLOCK_K, HEAD_DIM>;
using QueryShare = Share<BLOCK_Q, kTile.query_columns()>;

using RowTile = TileAccess<BLOCK_Q, HEAD_DIM, kThreads, HAS_TAILS>;
using KeyTile = TileAccess<BLOCK_K, HEAD_DIM, kThreads, HAS_TAILS>;
using BiasTile = TileAccess<BLOCK_Q, BLOCK_K, kThreads, HAS_TAILS, true>;

constexpr bool kAddsFour = __CUDA_ARCH__ >= 900;

// Where value i of this thread's part of dQ lies behind the place of its warp, in floats: a warp's
// addition covers 128 contiguous bytes, or 512 where there are additions of four.
DEVICE constexpr int query_sum_place(int i, int lane) {
  return kAddsFour ? i / 4 * 128 + lane * 4 + i % 4 : i * 32 + lane;
}
DEVICE long long query_sum_tile(const AttentionArguments& a, int batch, int head, int row_tile) {
  const long long tile =
      (static_cast<long long>(batch) * a.heads + head) * kTile.row_tiles(a.seqlen_q) + row_tile;
  return tile * BLOCK_Q * HEAD_DIM + warp_id() * (32 * kTile.query_sums());
}
constexpr int kQueryTurn = BLOCK_Q * kTile.query_columns();  // floats from turn to turn

DEVICE void add_query_sums(const QueryShare::Part& sums, float* to) {
  const int lane = lane_id();
  const float* values = &sums.block[0][0][0];
#pragma unroll
  for (int i = 0; i < QueryShare::Part::kPerThread; i += 4) {
    if constexpr (kAddsFour) {
      ptx::add_global_f4(to + query_sum_place(i, lane), values[i], values[i + 1], values[i + 2],
                         values[i + 3]);
    } else {
#pragma unroll
      for (int j = i; j < i + 4; ++j) ptx::add_global_f1(to + query_sum_place(j, lane), values[j]);
    }
  }
}

// Goes through the row tiles of a group's heads and brings what a block reads of each.
class RowLoader {
 public:
  __device__ __forceinline__ RowLoader(const AttentionArguments& a, int batch, int head,
                                       int first_row, int first_key)
      : q_(a.q, batch, head, a.seqlen_q, a.head_dim, first_row, 0),
        grad_o_(a.grad_o, batch, head, a.seqlen_q, a.head_dim, first_row, 0),
        bias_(a.bias, batch, head, a.seqlen_q, a.seqlen_kv, first_row, first_key) {}

  __device__ __forceinline__ void load(u32 q, u32 grad_o, u32 bias) const {
    q_.load(q);
    grad_o_.load(grad_o);
    if (HAS_BIAS) bias_.load(bias);
  }
  __device__ __forceinline__ void advance() {
    q_.advance(BLOCK_Q, 0);
    grad_o_.advance(BLOCK_Q, 0);
    if (HAS_BIAS) bias_.advance(BLOCK_Q, 0);
  }

 private:
  RowTile q_, grad_o_;
  BiasTile bias_;
};

// LSE and delta of the rows of which this thread holds scores.
struct RowStatistics {
  float values[ScoreShare::kPartRows / 16][2];

  __device__ __forceinline__ explicit RowStatistics(const float* of_first_row) {
    const float* from = of_first_row + ScoreShare::row() + lane_id() / 4;
#pragma unroll
    for (int m = 0; m < ScoreShare::kPartRows / 16; ++m) {
      values[m][0] = from[m * 16];
      values[m][1] = from[m * 16 + 8];
    }
  }
};

// S becomes P.
DEVICE void weigh(ScoreShare::Part& scores, const RowStatistics& lse, float scale) {
  const Exponent exponent{scale * kLog2E};
#pragma unroll
  for (int m = 0; m < ScoreShare::kPartRows / 16; ++m) {
#pragma unroll
    for (int n = 0; n < ScoreShare::kPartColumns / 16; ++n) {
#pragma unroll
      for (int i = 0; i < 8; ++i) {
        float& score = scores.block[m][n][i];
        score = exponent.weight(score, lse.values[m][row_half(i) / 8]);
      }
    }
  }
}

// dP, summed from -delta, becomes dS.
DEVICE void subtract(ScoreShare::Part& grads, const RowStatistics& delta) {
#pragma unroll
  for (int m = 0; m < ScoreShare::kPartRows / 16; ++m) {
#pragma unroll
    for (int n = 0; n < ScoreShare::kPartColumns / 16; ++n) {
#pragma unroll
      for (int i = 0; i < 8; ++i) grads.block[m][n][i] = -delta.values[m][row_half(i) / 8];
    }
  }
}
DEVICE void multiply(ScoreShare::Part& grads, const ScoreShare::Part& weights) {
#pragma unroll
  for (int m = 0; m < ScoreShare::kPartRows / 16; ++m) {
#pragma unroll
    for (int n = 0; n < ScoreShare::kPartColumns / 16; ++n) {
#pragma unroll
      for (int i = 0; i < 8; ++i) grads.block[m][n][i] *= weights.block[m][n][i];
    }
  }
}
// The same from weights that this warp has written to their tile.
DEVICE void multiply_by_tile(ScoreShare::Part& grads, TileView<BLOCK_K> weights) {
#pragma unroll
  for (int m = 0; m < ScoreShare::kPartRows / 16; ++m) {
#pragma unroll
    for (int n = 0; n < ScoreShare::kPartColumns / 16; ++n) {
      u32 pairs[4];
      weights.load(m * 16, n * 16, pairs);
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        float low, high;
        ptx::unpack<kElement>(pairs[i], low, high);
        grads.block[m][n][2 * i] *= low;
        grads.block[m][n][2 * i + 1] *= high;
      }
    }
  }
}

DEVICE float one(int, int) {
  return 1.f;
}

extern "C" __global__ void __launch_bounds__(kThreads, 1)
    backward(const __grid_constant__ AttentionArguments a) {
  extern __shared__ __align__(1024) unsigned char shared[];
  const u32 k_tile = ptx::shared_address(shared);
  const u32 v_tile = k_tile + kTile.v_offset();
  const u32 weights_tile = k_tile + kTile.weights_offset();
  const u32 grad_scores_tile = k_tile + kTile.grad_scores_offset();
  auto q_tile = [&](int stage) { return k_tile + kTile.q_offset() + stage * kTile.row_bytes(); };
  auto grad_o_tile = [&](int stage) {
    return k_tile + kTile.grad_o_offset() + stage * kTile.row_bytes();
  };
  auto bias_tile = [&](int stage) {
    return k_tile + kTile.bias_offset() + stage * kTile.score_bytes();
  };

  const bool share_bias = HAS_BIAS && a.bias.head_stride == 0;
  const BlockPlace place = block_place((a.seqlen_kv + BLOCK_K - 1) / BLOCK_K, a.kv_heads,
                                       heads_side_by_side(a.kv_heads, share_bias, 512 / HEAD_DIM));
  const int first_key = place.tile * BLOCK_K;
  const int group = a.heads / a.kv_heads;
  const int row_tiles = kTile.row_tiles(a.seqlen_q);
  const int first_tile = IS_CAUSAL ? max(0, first_key - a.diagonal) / BLOCK_Q : 0;
  const int num_steps = group * max(0, row_tiles - first_tile);

  KeyTile(a.k, place.batch, place.head, a.seqlen_kv, a.head_dim, first_key, 0).load(k_tile);
  KeyTile(a.v, place.batch, place.head, a.seqlen_kv, a.head_dim, first_key, 0).load(v_tile);
  int load_head = place.head * group, load_tile = first_tile;
  RowLoader loader(a, place.batch, load_head, first_tile * BLOCK_Q, first_key);
  auto load_rows = [&](int stage) {
    loader.load(q_tile(stage), grad_o_tile(stage), bias_tile(stage));
    if (++load_tile < row_tiles) {
      loader.advance();
    } else {
      load_tile = first_tile;
      if (++load_head < (place.head + 1) * group) {
        loader = RowLoader(a, place.batch, load_head, first_tile * BLOCK_Q, first_key);
      }
    }
  };
  if (num_steps > 0) load_rows(0);
  ptx::copy_commit();

  KeyShare::Part grad_k, grad_v;
  grad_k.fill(0.f);
  grad_v.fill(0.f);
  const int score_row = ScoreShare::row(), score_column = ScoreShare::column();
  const int key_row = KeyShare::row(), key_column = KeyShare::column();

  int head = place.head * group, row_tile = first_tile, stage = 0;
  for (int step = 0; step < num_steps; ++step) {
    ptx::copy_wait<0>();
    __syncthreads();  // Q and dO have come, and nobody reads those before them, P or dS any more
    if (NUM_STAGES > 1 && step + 1 < num_steps) load_rows(stage ^ 1);
    ptx::copy_commit();

    const long long statistics =
        (static_cast<long long>(place.batch) * a.heads + head) * kTile.padded_rows(a.seqlen_q) +
        row_tile * BLOCK_Q;
    const RowStatistics lse(a.scaled_lse + statistics), delta(a.delta + statistics);

    ScoreShare::Part scores, grads;
    scores.fill(0.f);
    add_product_abt<HEAD_DIM>(scores, TileView<HEAD_DIM>::make(q_tile(stage), score_row, 0),
                              TileView<HEAD_DIM>::make(k_tile, score_column, 0));
    if (HAS_BIAS) {
      scale_and_add_bias(scores, a.scale,
                         TileView<BLOCK_K>::make(bias_tile(stage), score_row, score_column));
    }
    hide_scores(scores, row_tile * BLOCK_Q + score_row, first_key + score_column, a.seqlen_kv,
                a.diagonal);
    weigh(scores, lse, a.scale);
    round_to_tile<BLOCK_K>(scores, weights_tile, score_row, score_column, one);

    subtract(grads, delta);
    add_product_abt<HEAD_DIM>(grads, TileView<HEAD_DIM>::make(grad_o_tile(stage), score_row, 0),
                              TileView<HEAD_DIM>::make(v_tile, score_column, 0));
    if (kTile.rounds_weights_early()) {
      multiply_by_tile(grads, TileView<BLOCK_K>::make(weights_tile, score_row, score_column));
    } else {
      multiply(grads, scores);
    }
    round_to_tile<BLOCK_K>(grads, grad_scores_tile, score_row, score_column, one);
    __syncthreads();  // P and dS are complete

    add_product_atb<BLOCK_Q>(grad_v, TileView<BLOCK_K>::make(weights_tile, 0, key_row),
                             TileView<HEAD_DIM>::make(grad_o_tile(stage), 0, key_column));
    add_product_atb<BLOCK_Q>(grad_k, TileView<BLOCK_K>::make(grad_scores_tile, 0, key_row),
                             TileView<HEAD_DIM>::make(q_tile(stage), 0, key_column));
    if (!IS_DETERMINISTIC) {
      float* sums = a.grad_q_sum + query_sum_tile(a, place.batch, head, row_tile);
#pragma unroll
      for (int turn = 0; turn < kTile.query_turns(); ++turn) {
        QueryShare::Part grad_q;
        grad_q.fill(0.f);
        const int column = turn * kTile.query_columns() + QueryShare::column();
        add_product_ab<BLOCK_K>(grad_q,
                                TileView<BLOCK_K>::make(grad_scores_tile, QueryShare::row(), 0),
                                TileView<HEAD_DIM>::make(k_tile, 0, column));
        add_query_sums(grad_q, sums + turn * kQueryTurn);
      }
    }
    if (NUM_STAGES == 1) {
      __syncthreads();  // nobody reads Q, dO or dS any more
      if (step + 1 < num_steps) load_rows(0);
      ptx::copy_commit();
    } else {
      stage ^= 1;
    }
    if (++row_tile == row_tiles) row_tile = first_tile, ++head;
  }

  // K's and V's places become those of dK and dV.
  ptx::copy_wait<0>();
  __syncthreads();
  round_to_tile<HEAD_DIM>(grad_k, k_tile, key_row, key_column, [&](int, int) { return a.scale; });
  round_to_tile<HEAD_DIM>(grad_v, v_tile, key_row, key_column, one);
  __syncthreads();
  KeyTile(a.grad_k, place.batch, place.head, a.seqlen_kv, a.head_dim, first_key, 0).store(k_tile);
  KeyTile(a.grad_v, place.batch, place.head, a.seqlen_kv, a.head_dim, first_key, 0).store(v_tile);
}
