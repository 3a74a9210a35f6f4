// What a block of the sm_90a backward kernels works on: the keys of one key block of one K and V
// head, against all queries that see them, of every head that shares that K and V. So dK and dV are
// summed over such a group in registers.
//
// Takes HEAD_DIM HAS_BIAS NUM_STAGES IS_BF16 IS_CAUSAL HAS_TAILS (here: seqlen_kv is no multiple of
// the key block) and, to see what a design step is worth:
//   GRAD_O_STAGES       slots of dO (NUM_STAGES: of Q and the bias)
//   GRAD_SCORES_STAGES  slots of dS
//   GRAD_Q_IN_BULK      1: dQ is added by cp.reduce.async.bulk, 0: by red.v4 from registers
//   HEADS_TOGETHER      heads whose blocks run side by side, to share a bias in L2
#pragma once

#include "kernel_kit/device/attention.h"
#include "kernel_kit/device/backward_tile.h"
#include "kernel_kit/device/fragment.cuh"
#include "kernel_kit/device/pipeline.cuh"
#include "kernel_kit/device/product.cuh"
#include "kernel_kit/device/static_for.cuh"

constexpr BackwardTile kTile = {HEAD_DIM,      HAS_BIAS,           NUM_STAGES,
                                GRAD_O_STAGES, GRAD_SCORES_STAGES, GRAD_Q_IN_BULK};
constexpr Element kElement = IS_BF16 ? Element::bf16 : Element::f16;
constexpr float kLog2E = 1.4426950408889634f;
// The lowest bf16 times log2(e) is -inf: such biases are compared with the LSE before they are
// scaled, one instruction more per score.
constexpr bool kBiasIsAnyFloat = HAS_BIAS && IS_BF16;
constexpr int kBlockQ = kTile.block_q(), kBlockK = kTile.block_k(), kPages = kTile.pages();
constexpr int kKeyPage = kTile.key_page_bytes(), kQueryPage = kTile.query_page_bytes();
constexpr int kQueryTile = kTile.query_tile_bytes(), kKeyTile = kTile.key_tile_bytes();
constexpr int kScoresBytes = kTile.scores_bytes(), kStatistics = kTile.statistics_bytes();

struct BackwardWork {
  int first_key, kv_head, batch;
  int first_head, group;          // the heads of Q that share this K and V
  int query_blocks, first_block;  // of a head; the first that sees one of these keys
  int steps;                      // over all heads of the group

  // Longest first, for the hardware hands out blocks in the order of their numbers: early keys are
  // seen by the most queries.
  __device__ __forceinline__ explicit BackwardWork(const AttentionArguments& a) {
    const int key_blocks = kTile.key_blocks(a.seqlen_kv);
    int index = static_cast<int>(blockIdx.x);
    batch = index / (key_blocks * a.kv_heads);
    index -= batch * key_blocks * a.kv_heads;
    const int side_first = index / (key_blocks * HEADS_TOGETHER) * HEADS_TOGETHER;
    const int together = min(HEADS_TOGETHER, a.kv_heads - side_first);
    index -= side_first * key_blocks;
    first_key = index / together * kBlockK;
    kv_head = side_first + index % together;
    group = a.heads / a.kv_heads;
    first_head = kv_head * group;
    query_blocks = kTile.query_blocks(a.seqlen_q);
    // Keys that nobody sees still get one step, all of it hidden, which writes their zeros.
    first_block = 0;
    if (IS_CAUSAL) first_block = min(max(first_key - a.diagonal, 0) / kBlockQ, query_blocks - 1);
    steps = group * (query_blocks - first_block);
  }

  // Of the workspace, which holds whole tiles: (batch, head, block of queries).
  __device__ __forceinline__ long long first_tile(const AttentionArguments& a) const {
    return (static_cast<long long>(batch) * a.heads + first_head) * query_blocks + first_block;
  }
};

// Walks over the blocks of queries of one head after the other.
struct QueryWalk {
  int first_block, query_blocks;
  int block, head;

  __device__ __forceinline__ explicit QueryWalk(const BackwardWork& work)
      : first_block(work.first_block),
        query_blocks(work.query_blocks),
        block(work.first_block),
        head(work.first_head) {}
  // Returns how many tiles of the workspace lie between the old place and the new one.
  __device__ __forceinline__ int advance() {
    if (++block < query_blocks) return 1;
    block = first_block;
    ++head;
    return 1 + first_block;
  }
};

// The barriers, and how many arrive at each.
struct BackwardBarriers {
  u32 base;
  __device__ __forceinline__ u32 keys() const { return base; }
  __device__ __forceinline__ Ring<NUM_STAGES> q() const { return {base + 8}; }
  __device__ __forceinline__ Ring<GRAD_O_STAGES> grad_o() const {
    return {base + 8 + 16 * NUM_STAGES};
  }
  __device__ __forceinline__ Ring<GRAD_SCORES_STAGES> grad_scores() const {
    return {base + 8 + 16 * (NUM_STAGES + GRAD_O_STAGES)};
  }
  __device__ __forceinline__ Ring<GRAD_SCORES_STAGES> p() const {
    return {base + 8 + 16 * (NUM_STAGES + GRAD_O_STAGES + GRAD_SCORES_STAGES)};
  }
  // `loading`: arrivals that make a loaded tile complete. A computing warp arrives once.
  __device__ __forceinline__ void init(int loading) const {
    ptx::mbarrier_init(keys(), loading);
    q().init(loading, 8);
    grad_o().init(loading, 8);
    grad_scores().init(kTile.splits_by_role() ? 4 : 8, 8);
    p().init(4, 4);
    ptx::fence_mbarrier_init();
    ptx::fence_async_proxy();
  }
};

// Row r of a group of 64 queries: its place among the statistics, in the order in which a lane
// wants them. One 16-byte load then gives rows 16 a + 2 q, + 1, + 8 and + 9, lane q of a quad's
// share.
DEVICE int statistics_place(int r) {
  return (r & ~15) | (r >> 1 & 3) << 2 | (r >> 3 & 1) << 1 | (r & 1);
}
