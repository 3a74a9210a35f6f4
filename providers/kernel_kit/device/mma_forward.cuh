// Forward attention with cp.async, ldmatrix and mma.sync: every GPU from sm_80 on, every feature.
// The text that includes this brings TileAccess, that is how a tile gets from global memory to
// shared memory and back, and this is all in which ptr_block and block_ptr differ here.
//
// A block computes one tile of BLOCK_Q rows of one head, going through the keys from the last tile
// to the first. A warp owns BLOCK_Q / NUM_WARPS rows from their scores to their output, so nothing
// is exchanged between warps but the loaded tiles.
//
// Macros: HEAD_DIM 64, 128 or 256; BLOCK_Q, BLOCK_K in {32, 64, 128}; NUM_WARPS: BLOCK_Q / 16 or
// BLOCK_Q / 32, at least 2; NUM_STAGES >= 1; IS_BF16, HAS_BIAS, IS_CAUSAL, HAS_TAILS 0 or 1.
// MIN_BLOCKS: blocks of a multiprocessor, for experiments.
#pragma once

#include "kernel_kit/device/attention.h"
#include "kernel_kit/device/block_order.cuh"
#include "kernel_kit/device/mma_forward_tile.h"
#include "kernel_kit/device/mma_softmax.cuh"
#include "kernel_kit/device/mma_tile.cuh"

constexpr MmaForwardTile kTile{BLOCK_Q, BLOCK_K, HEAD_DIM, NUM_WARPS, NUM_STAGES, HAS_BIAS};
constexpr int kThreads = kTile.threads();
#ifndef MIN_BLOCKS
#define MIN_BLOCKS kTile.blocks_per_multiprocessor()
#endif
constexpr int kRowBlocks = kTile.rows_per_warp() / 16;
static_assert(BLOCK_Q % (16 * NUM_WARPS) == 0, "a warp owns whole blocks of 16 rows");

using Scores = Sums<kRowBlocks, BLOCK_K / 16>;
using Output = Sums<kRowBlocks, HEAD_DIM / 16>;
using RowTile = TileAccess<BLOCK_Q, HEAD_DIM, kThreads, HAS_TAILS>;
using KeyTile = TileAccess<BLOCK_K, HEAD_DIM, kThreads, HAS_TAILS>;
using BiasTile = TileAccess<BLOCK_Q, BLOCK_K, kThreads, HAS_TAILS, true>;

// Keys that some row of the tile sees.
DEVICE int visible_keys(const AttentionArguments& a, int first_row) {
  if (!IS_CAUSAL) return a.seqlen_kv;
  const int last_row = min(first_row + BLOCK_Q, a.seqlen_q) - 1;
  return max(0, min(a.seqlen_kv, last_row + a.diagonal + 1));
}

extern "C" __global__ void __launch_bounds__(kThreads, MIN_BLOCKS)
    forward(const __grid_constant__ AttentionArguments a) {
  extern __shared__ __align__(1024) unsigned char shared[];
  const u32 q_tile = ptx::shared_address(shared);
  auto k_tile = [&](int stage) { return q_tile + kTile.k_offset() + stage * kTile.key_bytes(); };
  auto v_tile = [&](int stage) { return q_tile + kTile.v_offset() + stage * kTile.key_bytes(); };
  auto bias_tile = [&](int stage) {
    return q_tile + kTile.bias_offset() + stage * kTile.bias_bytes();
  };

  const int row_tiles = (a.seqlen_q + BLOCK_Q - 1) / BLOCK_Q;
  const bool share_bias = HAS_BIAS && a.bias.head_stride == 0;
  const BlockPlace place =
      block_place(row_tiles, a.heads, heads_side_by_side(a.heads, share_bias, 8));
  const int first_row = (IS_CAUSAL ? row_tiles - 1 - place.tile : place.tile) * BLOCK_Q;
  const int kv_head = place.head / (a.heads / a.kv_heads);
  const int keys = visible_keys(a, first_row);
  const int num_tiles = (keys + BLOCK_K - 1) / BLOCK_K;
  const int last_key = (num_tiles - 1) * BLOCK_K;  // where the last tile begins

  RowTile q(a.q, place.batch, place.head, a.seqlen_q, a.head_dim, first_row, 0);
  KeyTile k(a.k, place.batch, kv_head, a.seqlen_kv, a.head_dim, last_key, 0);
  KeyTile v(a.v, place.batch, kv_head, a.seqlen_kv, a.head_dim, last_key, 0);
  BiasTile bias(a.bias, place.batch, place.head, a.seqlen_q, a.seqlen_kv, first_row, last_key);

  auto load_k = [&](int stage) {
    k.load(k_tile(stage));
    k.advance(-BLOCK_K, 0);
    if (HAS_BIAS) {
      bias.load(bias_tile(stage));
      bias.advance(0, -BLOCK_K);
    }
  };
  auto load_v = [&](int stage) {
    v.load(v_tile(stage));
    v.advance(-BLOCK_K, 0);
  };

  // The first NUM_STAGES - 1 tiles, or with one stage the first K: V follows when K is there.
  if (num_tiles > 0) {
    q.load(q_tile);
    load_k(0);
    if (NUM_STAGES > 1) load_v(0);
  }
  ptx::copy_commit();
#pragma unroll
  for (int ahead = 1; ahead < NUM_STAGES - 1; ++ahead) {
    if (ahead < num_tiles) {
      load_k(ahead);
      load_v(ahead);
    }
    ptx::copy_commit();
  }

  auto wait_for_first = [] {  // of the groups under way
    ptx::copy_wait<(NUM_STAGES > 1 ? NUM_STAGES - 2 : 0)>();
    __syncthreads();
  };

  const int warp_row = warp_id() * kTile.rows_per_warp();
  const TileView<HEAD_DIM> q_rows = TileView<HEAD_DIM>::make(q_tile, warp_row, 0);
  Output output;
  output.fill(0.f);
  OnlineSoftmax<kRowBlocks> softmax(a.scale);
  HeldRows<kRowBlocks, kTile.holds_q() ? HEAD_DIM : 16> held_q;
  if constexpr (kTile.holds_q()) {
    wait_for_first();
    held_q.load(q_rows);
  }

  int stage = 0;
  for (int key = last_key; key >= 0; key -= BLOCK_K) {
    wait_for_first();  // this tile has come, and nobody reads the one before it any more
    if (NUM_STAGES == 1) {
      load_v(0);
    } else if (key >= (NUM_STAGES - 1) * BLOCK_K) {
      const int free_stage = stage == 0 ? NUM_STAGES - 1 : stage - 1;
      load_k(free_stage);
      load_v(free_stage);
    }
    ptx::copy_commit();

    Scores scores;
    scores.fill(0.f);
    const TileView<HEAD_DIM> keys_now = TileView<HEAD_DIM>::make(k_tile(stage), 0, 0);
    if constexpr (kTile.holds_q()) {
      add_product_abt(scores, held_q, keys_now);
    } else {
      add_product_abt<HEAD_DIM>(scores, q_rows, keys_now);
    }
    if (HAS_BIAS) {
      scale_and_add_bias(scores, a.scale, TileView<BLOCK_K>::make(bias_tile(stage), warp_row, 0));
    }
    if (NUM_STAGES == 1) {
      ptx::copy_wait<0>();
      __syncthreads();  // V has come, and nobody reads K any more
      if (key > 0) load_k(0);
      ptx::copy_commit();
    }
    hide_scores(scores, first_row + warp_row, key, a.seqlen_kv, a.diagonal);
    softmax.update(scores, output);  // rescales `output` by the change of the row maximum
    add_product_registers(output, scores, TileView<HEAD_DIM>::make(v_tile(stage), 0, 0));
    stage = stage + 1 == NUM_STAGES ? 0 : stage + 1;
  }

  // Q's place becomes that of O: a warp's rows there were read by that warp alone.
  ptx::copy_wait<0>();
  softmax.finish();
  __syncwarp();  // with two stages no barrier stands between the last reads of Q and these writes
  round_to_tile<HEAD_DIM>(output, q_tile, warp_row, 0,
                          [&](int m, int half) { return softmax.normalizer(m, half); });
  __syncthreads();
  RowTile o(a.o, place.batch, place.head, a.seqlen_q, a.head_dim, first_row, 0);
  o.store(q_tile);

  if (a.lse == nullptr || lane_id() % 4 != 0) return;
  float* lse = a.lse + place.batch * a.lse_batch_stride + place.head * a.lse_head_stride;
#pragma unroll
  for (int m = 0; m < kRowBlocks; ++m) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int row = first_row + warp_row + m * 16 + half * 8 + lane_id() / 4;
      if (row < a.seqlen_q) lse[row] = softmax.log_sum_exp(m, half);
    }
  }
}
