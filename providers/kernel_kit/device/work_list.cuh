// The persistent kernels' order of work: a unit is one tile of queries of one head (in a cluster,
// CLUSTER_Q tiles of it), and the blocks of the grid take them in turn.
// `together` heads run at the same tile, then the next tile, then the next heads. What they share
// stays in L2: 1: K and V of one head; more: a bias of all heads, or simply fewer bytes of K and V
// than L2 has while causal tiles go from the longest to the shortest.
// Causal tiles differ in length. Either the next unit goes to whoever is free (TakenWork, by a
// counter in global memory), or every other round runs backwards, so that who had the longest of a
// round gets the shortest of the next. Simulated at 8,192 rows of head_dim 256, as parts of a
// perfect distribution: in turn 0.5, with backward rounds 0.67, by the counter 0.99.
// Others are equal, and a last round of fewer units than blocks would leave blocks idle: it is
// dealt out (DealtRound), each block takes an equal share of the keys of these units, and
// forward_parts.cuh puts their results together. Takes CLUSTER_Q, HEADS_TOGETHER (0:
// as written above), IS_CAUSAL, DEALS_LAST_ROUND, BLOCK_K.
#pragma once

#include "kernel_kit/device/attention.h"
#include "kernel_kit/device/ptx.cuh"

struct Unit {
  int first_row, head, batch;
  // With DEALS_LAST_ROUND: the blocks of keys to walk over, and of a dealt unit (see Share) whose
  // part that is and where among the steps the unit ends.
  int first_block, end_block, sharer, last_step;

  __device__ __forceinline__ int first_row_of(int group) const { return first_row + group * 64; }
};

// What a sharer takes of the dealt units' steps (blocks of keys), all laid end to end.
struct Share {
  int begin, end;

  DEVICE Share of(const AttentionArguments& a, int sharer) {
    const int begin = a.dealt.begin_of(sharer);
    return {begin, begin + a.dealt.steps + (sharer < a.dealt.longer ? 1 : 0)};
  }
};

// Holds hardly more than the round: registers are dear in the loop, divisions cheap between units.
template <int kRows, int kHeadDim>
struct WorkList {
  int round = 0;  // of those begun
  int rounds;     // DEALS_LAST_ROUND: in which this worker takes part

  __device__ __forceinline__ explicit WorkList(const AttentionArguments& a)
      : rounds(DEALS_LAST_ROUND ? a.dealt.first_unit / workers() + num_pieces(a) : 0) {}

  // This block's place in its cluster.
  DEVICE int rank_q() { return CLUSTER_Q > 1 ? static_cast<int>(ptx::cluster_rank()) : 0; }
  // Those who take units: blocks, or clusters.
  DEVICE int workers() { return gridDim.x / CLUSTER_Q; }
  DEVICE int worker() { return blockIdx.x / CLUSTER_Q; }

  DEVICE int heads_that_share(const AttentionArguments& a) {
    constexpr int kL2Bytes = 32 << 20;  // of 50 MB, what can be counted on
    if (HEADS_TOGETHER > 0) return HEADS_TOGETHER;
    if (HAS_BIAS && a.bias.head_stride == 0) return 8;
    if (IS_CAUSAL) return kL2Bytes / (kHeadDim * 4) / a.seqlen_kv * (a.heads / a.kv_heads);
    return 1;
  }

  DEVICE int num_tiles(const AttentionArguments& a) {
    constexpr int kTileRows = kRows * CLUSTER_Q;
    return (a.seqlen_q + kTileRows - 1) / kTileRows;
  }
  DEVICE int num_units(const AttentionArguments& a) { return num_tiles(a) * a.heads * a.batch; }
  DEVICE int num_steps(const AttentionArguments& a) {
    return (a.seqlen_kv + BLOCK_K - 1) / BLOCK_K;
  }

  DEVICE Unit unit(const AttentionArguments& a, int index) {
    Unit unit = {};
    if (DEALS_LAST_ROUND) index = take_share(a, index, unit);
    const int heads = a.heads, tiles = num_tiles(a);
    const int together = max(1, min(heads_that_share(a), heads * a.batch));
    const int first_head = index / (together * tiles) * together;  // over all batches
    const int side_by_side = min(together, heads * a.batch - first_head);
    index -= first_head * tiles;
    int tile = index / side_by_side;
    if (IS_CAUSAL) tile = tiles - 1 - tile;
    const int head = first_head + index % side_by_side;
    unit.first_row = (tile * CLUSTER_Q + rank_q()) * kRows;
    unit.head = head % heads;
    unit.batch = head / heads;
    return unit;
  }

  // In turn.
  __device__ __forceinline__ bool next(const AttentionArguments& a) {
    ++round;
    return DEALS_LAST_ROUND ? round <= rounds : index() < num_units(a);
  }
  __device__ __forceinline__ bool next(const AttentionArguments& a, Unit& unit) {
    if (!next(a)) return false;
    unit = WorkList::unit(a, index());
    return true;
  }
  __device__ __forceinline__ int index() const {
    const bool backwards = IS_CAUSAL && round % 2 == 0;
    return (round - 1) * workers() + (backwards ? workers() - 1 - worker() : worker());
  }

 private:
  // A share reaches over one unit's edge at most: the end of a unit, whose beginning another has,
  // then the beginning of the next. Who has the beginning waits for the others' parts, so shares
  // lie against the order of the blocks: one waits for those with smaller numbers, which a GPU
  // starts first.
  DEVICE int sharer_here(const AttentionArguments& a) { return a.dealt.sharers - 1 - worker(); }

  // Units, or parts of one, that this worker takes of the dealt round.
  DEVICE int num_pieces(const AttentionArguments& a) {
    const int sharer = sharer_here(a), steps = num_steps(a);
    if (sharer < 0) return 0;
    const Share share = Share::of(a, sharer);
    return 1 + (share.end - 1) / steps - share.begin / steps;
  }
  // Returns the number of the unit.
  DEVICE int take_share(const AttentionArguments& a, int index, Unit& unit) {
    const int steps = num_steps(a), over = index - a.dealt.first_unit;
    unit.end_block = steps;
    if (over < 0) return index;
    unit.sharer = sharer_here(a);
    const Share share = Share::of(a, unit.sharer);
    const int dealt = share.begin / steps + (over < workers() ? 0 : 1);
    unit.last_step = (dealt + 1) * steps;
    unit.first_block = ptx::uniform(max(share.begin - dealt * steps, 0));
    unit.end_block = ptx::uniform(min(share.end - dealt * steps, steps));
    return a.dealt.first_unit + dealt;
  }
};

// Units as a counter hands them out; the first one by the block's number. For one warp of a block,
// which tells the others. The counter is asked a unit ahead, so that nobody waits for the answer.
template <class List>
struct TakenWork {
  static constexpr int kNone = -1;
  int following = blockIdx.x;

  // The unit's number, or kNone.
  __device__ __forceinline__ int take(const AttentionArguments& a, int lane) {
    const int index = __shfl_sync(~0u, following, 0);
    if (lane == 0) following = gridDim.x + atomicAdd(a.counters, 1);
    return index < List::num_units(a) ? index : kNone;
  }
};
