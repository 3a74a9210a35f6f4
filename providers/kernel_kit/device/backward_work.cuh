// What a block of the sm_90a backward kernels works on: the keys of one key block of one K and V
// head, against all queries that see them, of every head that shares that K and V. So dK and dV are
// summed over such a group in registers.
//
// Takes HEAD_DIM HAS_BIAS NUM_STAGES IS_BF16 IS_CAUSAL HAS_TAILS (here: seqlen_kv is no multiple of
// the key block) and, to see what a design step is worth:
//   GRAD_O_STAGES       slots of dO (NUM_STAGES: of Q and the bias)
//   GRAD_SCORES_STAGES  slots of dS
//   GRAD_Q_IN_BULK      1: dQ is added by cp.reduce.async.bulk, 0: by red.v4 from registers
//   CLUSTER_KEYS        blocks of a cluster at neighbouring key blocks: each loads its share of Q
//   and
//                       dO for all of them (multicast)
//   MULTIPROCESSORS     to which the last wave is dealt out; 0: it is not
//   HEADS_TOGETHER      heads whose blocks run side by side, to share a bias in L2
//   ALL_LANES_ARRIVE    1: each lane arrives at a barrier for itself, 0: one for its warp, behind
//                       __syncwarp. compute-sanitizer's racecheck does not see what a lane's arrival
//                       does for the others, and finds races with 0 that it does not find with 1
#pragma once

#ifndef CLUSTER_KEYS
#define CLUSTER_KEYS 1
#endif
#ifndef ALL_LANES_ARRIVE
#define ALL_LANES_ARRIVE 0
#endif

#include "kernel_kit/device/attention.h"
#include "kernel_kit/device/backward_tile.h"
#include "kernel_kit/device/fragment.cuh"
#include "kernel_kit/device/pipeline.cuh"
#include "kernel_kit/device/product.cuh"
#include "kernel_kit/device/static_for.cuh"

constexpr BackwardTile kTile = {HEAD_DIM,      HAS_BIAS,           NUM_STAGES,
                                GRAD_O_STAGES, GRAD_SCORES_STAGES, GRAD_Q_IN_BULK};
static_assert(!ALL_LANES_ARRIVE || CLUSTER_KEYS == 1, "lanes of a warp tell different blocks");
static_assert(!IS_CAUSAL || CLUSTER_KEYS == 1,
              "blocks that share Q and dO must see the same queries");
constexpr Element kElement = IS_BF16 ? Element::bf16 : Element::f16;
constexpr float kLog2E = 1.4426950408889634f;
// The lowest bf16 times log2(e) is -inf: such biases are compared with the LSE before they are
// scaled, one instruction more per score.
constexpr bool kBiasIsAnyFloat = HAS_BIAS && IS_BF16;
constexpr int kBlockQ = kTile.block_q(), kBlockK = kTile.block_k(), kPages = kTile.pages();
constexpr int kKeyPage = kTile.key_page_bytes(), kQueryPage = kTile.query_page_bytes();
constexpr int kQueryTile = kTile.query_tile_bytes(), kKeyTile = kTile.key_tile_bytes();
constexpr int kScoresBytes = kTile.scores_bytes(), kStatistics = kTile.statistics_bytes();

// Causal blocks come longest first, so that short ones fill the end.
constexpr bool kDealsLastWave = MULTIPROCESSORS > 0 && !IS_CAUSAL && CLUSTER_KEYS == 1;

DEVICE LastWave last_wave(const AttentionArguments& a) {
  return LastWave::of(kTile.key_blocks(a.seqlen_kv) * a.kv_heads * a.batch,
                      kDealsLastWave ? MULTIPROCESSORS : 0,
                      a.heads / a.kv_heads * kTile.query_blocks(a.seqlen_q));
}

// Which keys of which head: key block `index` in the order of work.
struct KeyPlace {
  int first_key, kv_head, batch;
  int dealt = -1;  // which of the dealt blocks, -1: none

  // It waits for the end in shared memory: in registers it would cost spills.
  __device__ __forceinline__ void note(u32 shared) const {
    ptx::store_shared_u4(shared + kTile.place_offset(), first_key, kv_head, batch, dealt);
  }
  __device__ __forceinline__ static KeyPlace recall(u32 shared) {
    u32 x[4];
    ptx::load_shared_u4(shared + kTile.place_offset(), x);
    KeyPlace place;
    place.first_key = static_cast<int>(x[0]);
    place.kv_head = static_cast<int>(x[1]);
    place.batch = static_cast<int>(x[2]);
    place.dealt = kDealsLastWave ? static_cast<int>(x[3]) : -1;
    return place;
  }

  KeyPlace() = default;
  // Longest first, for the hardware hands out blocks in the order of their numbers: early keys are
  // seen by the most queries.
  __device__ __forceinline__ KeyPlace(const AttentionArguments& a, int index) {
    const int key_blocks = kTile.key_blocks(a.seqlen_kv) / CLUSTER_KEYS;  // of a whole cluster
    const int rank = index % CLUSTER_KEYS;
    index /= CLUSTER_KEYS;
    batch = index / (key_blocks * a.kv_heads);
    index -= batch * key_blocks * a.kv_heads;
    const int side_first = index / (key_blocks * HEADS_TOGETHER) * HEADS_TOGETHER;
    const int together = min(HEADS_TOGETHER, a.kv_heads - side_first);
    index -= side_first * key_blocks;
    first_key = (index / together * CLUSTER_KEYS + rank) * kBlockK;
    kv_head = side_first + index % together;
  }
};

struct BackwardWork : KeyPlace {
  int query_blocks, first_block;  // of a head; the first that sees one of these keys
  int head, block;                // where it begins
  int steps;                      // over all heads that share this K and V

  __device__ __forceinline__ explicit BackwardWork(const AttentionArguments& a) {
    const LastWave wave = last_wave(a);
    const int index = static_cast<int>(blockIdx.x), over = index - wave.whole;
    const bool is_part = kDealsLastWave && over >= 0;
    static_cast<KeyPlace&>(*this) = KeyPlace(a, is_part ? wave.whole + over / wave.parts : index);
    if (is_part) dealt = over / wave.parts;
    query_blocks = kTile.query_blocks(a.seqlen_q);
    // Keys that nobody sees still get one step, all of it hidden, which writes their zeros.
    first_block = 0;
    if (IS_CAUSAL) first_block = min(max(first_key - a.diagonal, 0) / kBlockQ, query_blocks - 1);
    const int group = a.heads / a.kv_heads, seen_blocks = query_blocks - first_block;
    int first_step = 0;
    steps = group * seen_blocks;
    if (is_part) {
      const int part = over % wave.parts;
      const int end = steps * (part + 1) / wave.parts;
      first_step = steps * part / wave.parts;
      steps = end - first_step;
    }
    head = kv_head * group + first_step / seen_blocks;
    block = first_block + first_step % seen_blocks;
  }

  // Of the workspace, which holds whole tiles: (batch, head, block of queries).
  __device__ __forceinline__ long long first_tile(const AttentionArguments& a) const {
    return (static_cast<long long>(batch) * a.heads + head) * query_blocks + block;
  }
};

// Walks over the blocks of queries of one head after the other.
struct QueryWalk {
  int first_block, query_blocks;
  int block, head;

  __device__ __forceinline__ explicit QueryWalk(const BackwardWork& work)
      : first_block(work.first_block),
        query_blocks(work.query_blocks),
        block(work.block),
        head(work.head) {}
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
    constexpr int kOfWarp = ALL_LANES_ARRIVE ? 32 : 1;
    ptx::mbarrier_init(keys(), loading);
    q().init(loading, 8 * kOfWarp * CLUSTER_KEYS);
    grad_o().init(loading, 8 * kOfWarp * CLUSTER_KEYS);
    grad_scores().init((kTile.splits_by_role() ? 4 : 8) * kOfWarp, 8 * kOfWarp);
    p().init(4 * kOfWarp, 4 * kOfWarp);
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
