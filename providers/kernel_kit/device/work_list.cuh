// The persistent kernels' order of work: a unit is one tile of queries of one head (in a cluster,
// CLUSTER_Q tiles of CLUSTER_HEADS heads), and the blocks of the grid take them in turn.
// `together` heads run at the same tile, then the next tile, then the next heads. What they share
// stays in L2: 1: K and V of one head; more: a bias of all heads, or simply fewer bytes of K and V
// than L2 has while causal tiles go from the longest to the shortest.
// Causal tiles differ in length. Either the next unit goes to whoever is free (TakenWork, by a
// counter in global memory), or every other round runs backwards, so that who had the longest of a
// round gets the shortest of the next. Simulated at 8,192 rows of head_dim 256, as parts of a
// perfect distribution: in turn 0.5, with backward rounds 0.67, by the counter 0.99. Takes
// CLUSTER_Q, CLUSTER_HEADS, HEADS_TOGETHER (0: as written above), IS_CAUSAL.
#pragma once

#include "kernel_kit/device/attention.h"
#include "kernel_kit/device/ptx.cuh"

struct Unit {
  int first_row, rows, head, batch;

  // Of a warpgroup's 64 rows the first; one that has none here is told a row beyond all others.
  __device__ __forceinline__ int first_row_of(int group) const {
    constexpr int kBeyond = 2'147'483'000;
    return group * 64 < rows ? first_row + group * 64 : kBeyond;
  }
};

// Holds nothing but the round: registers are dear in the loop, divisions cheap between units.
template <int kRows, int kHeadDim>
struct WorkList {
  static constexpr int kCluster = CLUSTER_Q * CLUSTER_HEADS;
  int round = 0;  // of those begun

  // This block's place in its cluster.
  DEVICE int rank_q() {
    return kCluster > 1 ? static_cast<int>(ptx::cluster_rank()) % CLUSTER_Q : 0;
  }
  DEVICE int rank_head() {
    return kCluster > 1 ? static_cast<int>(ptx::cluster_rank()) / CLUSTER_Q : 0;
  }

  DEVICE int heads_that_share(const AttentionArguments& a) {
    constexpr int kL2Bytes = 32 << 20;  // of 50 MB, what can be counted on
    if (HEADS_TOGETHER > 0) return HEADS_TOGETHER;
    if (HAS_BIAS && a.bias.head_stride == 0) return 8;
    if (IS_CAUSAL) return kL2Bytes / (kHeadDim * 4) / a.seqlen_kv * (a.heads / a.kv_heads);
    return 1;
  }

  // How a head's rows are cut. Tiles of 192 rows leave a rest; a rest of up to 64 and the tile before
  // it become two of 128, one of up to 128 is such a short tile. Short tiles come last, behind the
  // others of all heads: at 4,096 rows the last of 11 rounds then takes 0.8 of a round. With a bias
  // that was seen to lose up to 3 %.
  static constexpr int kShortRows = 128;
  static constexpr bool kCutsShort = kRows == 192 && !IS_CAUSAL && !HAS_BIAS && kCluster == 1;
  struct Tiles {
    int whole, cut_short;
  };
  DEVICE Tiles tiles(const AttentionArguments& a) {
    const int rows = kRows * CLUSTER_Q, whole = a.seqlen_q / rows, rest = a.seqlen_q - whole * rows;
    if (!kCutsShort || rest > kShortRows) return {whole + (rest > 0), 0};
    if (rest > 64 || whole == 0) return {whole, 1};
    return rest > 0 ? Tiles{whole - 1, 2} : Tiles{whole, 0};
  }
  DEVICE int num_units(const AttentionArguments& a) {
    const Tiles cut = tiles(a);
    return (cut.whole + cut.cut_short) * (a.heads / CLUSTER_HEADS) * a.batch;
  }

  DEVICE Unit unit(const AttentionArguments& a, int index) {
    const int heads = a.heads / CLUSTER_HEADS;
    const int together = max(1, min(heads_that_share(a) / CLUSTER_HEADS, heads * a.batch));
    const Tiles cut = tiles(a);
    const int before = cut.whole * heads * a.batch;
    const bool is_short = kCutsShort && index >= before;
    const int tiles_of_head = is_short ? cut.cut_short : cut.whole;
    if (is_short) index -= before;
    const int first_head = index / (together * tiles_of_head) * together;  // over all batches
    const int side_by_side = min(together, heads * a.batch - first_head);
    index -= first_head * tiles_of_head;
    int tile = index / side_by_side;
    if (IS_CAUSAL) tile = tiles_of_head - 1 - tile;
    const int head = first_head + index % side_by_side;
    const int first_row = is_short ? cut.whole * kRows + tile * kShortRows
                                   : (tile * CLUSTER_Q + rank_q()) * kRows;
    return {first_row, is_short ? kShortRows : kRows, head % heads * CLUSTER_HEADS + rank_head(),
            head / heads};
  }

  // In turn.
  __device__ __forceinline__ bool next(const AttentionArguments& a) {
    ++round;
    return index() < num_units(a);
  }
  __device__ __forceinline__ bool next(const AttentionArguments& a, Unit& unit) {
    if (!next(a)) return false;
    unit = WorkList::unit(a, index());
    return true;
  }
  __device__ __forceinline__ int index() const {
    const int workers = gridDim.x / kCluster, me = blockIdx.x / kCluster;
    const bool backwards = IS_CAUSAL && round % 2 == 0;
    return (round - 1) * workers + (backwards ? workers - 1 - me : me);
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
    if (lane == 0) following = gridDim.x + atomicAdd(a.next_unit, 1);
    return index < List::num_units(a) ? index : kNone;
  }
};
