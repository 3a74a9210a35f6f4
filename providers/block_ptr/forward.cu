// Flash attention forward for sm_90a from tile descriptors: TMA brings the tiles, mbarriers count
// them, warpgroups multiply with wgmma. One warpgroup only loads, the others (forward_consumer.cuh)
// only compute; setmaxnreg gives these its registers. Blocks are persistent: while one unit's
// output is stored, the next one's tiles are on their way.
//
// Takes the macros of forward_consumer.cuh and work_list.cuh, and
//   CLUSTER_Q      blocks of a cluster at neighbouring query tiles: each loads its share of K and V
//                  for all of them (multicast)
// Parameters: AttentionArguments, the maps of Q, K, V (boxes of 64 columns and of all rows that one
// block loads) and, with a bias, two of it: pages of 64 columns, and the columns behind the last
// page.
#include "kernel_kit/device/forward_consumer.cuh"

static_assert(!IS_CAUSAL || CLUSTER_Q == 1, "tiles that share K and V must see the same keys");
constexpr int kBiasLoaders = 3;  // warps, beside that of K and V

// The consumers' side.
struct Loads {
  Rings rings;
  u32 shared;
  int group, lane;
  ConsumedUnit at;
  Turn<1> q_turn = Turn<1>::begin(Side::consumer);
  Turn<NUM_STAGES> k_turn = Turn<NUM_STAGES>::begin(Side::consumer), v_turn = k_turn;
  Turn<BIAS_STAGES> bias_turn = Turn<BIAS_STAGES>::begin(Side::consumer);

  // This block, or all of the cluster, one lane each.
  template <int kBlocks>
  __device__ __forceinline__ void tell(u32 barrier) const {
    if (kBlocks == 1) {
      if (ALL_LANES_ARRIVE || lane == 0) ptx::mbarrier_arrive(barrier);
    } else if (lane < kBlocks) {
      ptx::mbarrier_arrive_in_cluster(ptx::in_block(barrier, lane));
    }
  }

  __device__ __forceinline__ bool next(const AttentionArguments& a) {
    return at.next(a, shared, [&] { rings.q().wait_full(q_turn); });
  }
  __device__ __forceinline__ Unit unit(const AttentionArguments& a) { return at.unit(a); }
  __device__ __forceinline__ void release_q() {
    tell<1>(rings.q().empty(0));
    q_turn.advance();
  }
  __device__ __forceinline__ u32 k() const { return k_operand(shared, k_turn.slot); }
  __device__ __forceinline__ void wait_k() { rings.k().wait_full(k_turn); }
  __device__ __forceinline__ void release_k() {
    tell<CLUSTER_Q>(rings.k().empty(k_turn.slot));
    k_turn.advance();
  }
  __device__ __forceinline__ u32 v() const { return v_operand(shared, v_turn.slot); }
  __device__ __forceinline__ void wait_v() { rings.v().wait_full(v_turn); }
  __device__ __forceinline__ void release_v() {
    tell<CLUSTER_Q>(rings.v().empty(v_turn.slot));
    v_turn.advance();
  }
  __device__ __forceinline__ void bias_ahead() {}
  __device__ __forceinline__ u32 wait_bias() {
    rings.bias(group).wait_full(bias_turn);
    return bias_tile(shared, group, bias_turn.slot);
  }
  __device__ __forceinline__ void release_bias() {
    __syncwarp();  // every lane's ldmatrix before one lane's arrival
    tell<1>(rings.bias(group).empty(bias_turn.slot));
    bias_turn.advance();
  }
};

// A tile's share of this block, page by page; with kSharers > 1 it goes to all `blocks` of the
// mask.
template <int kSharers>
DEVICE void load_pages(const TensorMap& map, u32 to, u32 barrier, int tile_rows, int share, int row,
                       int head, int batch, u32 blocks) {
  const int own_row = share * (tile_rows / kSharers);
#pragma unroll
  for (int page = 0; page < kPages; ++page) {
    const u32 at = to + page * tile_rows * 128 + own_row * 128;
    if (kSharers > 1) {
      ptx::tma_load_multicast(at, &map, barrier, page * 64, row + own_row, head, batch, blocks);
    } else {
      ptx::tma_load(at, &map, barrier, page * 64, row, head, batch);
    }
  }
}

// One warp; all its lanes run the loops, one issues.
DEVICE void load_qkv(const AttentionArguments& a, const TensorMap& q_map, const TensorMap& k_map,
                     const TensorMap& v_map, Rings rings, u32 shared, int lane) {
  const bool issues = ptx::elect_one();
  Turn<1> q_turn = Turn<1>::begin(Side::producer);
  Turn<NUM_STAGES> k_turn = Turn<NUM_STAGES>::begin(Side::producer), v_turn = k_turn;
  [[maybe_unused]] Work work(a);
  TakenWork<Work> taken;
  const auto next = [&](Unit& unit) {
    if (!TAKE_UNITS) return work.next(a, unit);
    const int index = taken.take(a, lane);
    rings.q().wait_empty(q_turn);  // its readers have read the number before this one too
    if (issues) ptx::store_shared_u1(shared + kTile.unit_at(), index);
    if (index != taken.kNone) {
      unit = Work::unit(a, index);
    } else if (issues) {
      ptx::mbarrier_arrive(rings.q().full(0));
    }
    return index != taken.kNone;
  };
  const u32 sharers = (1u << CLUSTER_Q) - 1;

  for (Unit unit; next(unit);) {
    const int kv_head = unit.head / (a.heads / a.kv_heads);
    const int num_blocks = blocks_of_unit(a, unit).count;
    const auto load_kv = [&](const TensorMap& map, auto ring, auto& turn, int at, int block) {
      ring.wait_empty(turn);
      if (issues) {
        ptx::mbarrier_arrive_expect(ring.full(turn.slot), kTile.kv_bytes());
        load_pages<CLUSTER_Q>(map, shared + at + turn.slot * kTile.kv_bytes(), ring.full(turn.slot),
                              BLOCK_K, Work::rank_q(), first_key(unit, block), kv_head, unit.batch,
                              sharers);
      }
      turn.advance();
    };
    // Q's place is the last of the unit before to be free: the first K is under way by then.
    if (num_blocks > 0) load_kv(k_map, rings.k(), k_turn, kTile.k_at(), num_blocks - 1);
    rings.q().wait_empty(q_turn);
    if (issues) {
      ptx::mbarrier_arrive_expect(rings.q().full(0), kTile.q_bytes());
      load_pages<1>(q_map, shared + kTile.q_at(), rings.q().full(0), kRows, 0, unit.first_row,
                    unit.head, unit.batch, 0);
    }
    q_turn.advance();
    for (int block = num_blocks - 2; block >= -1; --block) {  // V a block later, as it is used
      if (block >= 0) load_kv(k_map, rings.k(), k_turn, kTile.k_at(), block);
      load_kv(v_map, rings.v(), v_turn, kTile.v_at(), block + 1);
    }
  }
}

// The bias of the groups `loader`, loader + kBiasLoaders, ..., each group's own 64 rows, by one
// warp.
DEVICE void load_bias(const AttentionArguments& a, const TensorMap& map, const TensorMap& rest_map,
                      Rings rings, u32 shared, int loader) {
  constexpr int kGroupsOfOne = (kGroups + kBiasLoaders - 1) / kBiasLoaders;
  const bool issues = ptx::elect_one();
  Turn<BIAS_STAGES> turns[kGroupsOfOne];
  for (auto& turn : turns) turn = Turn<BIAS_STAGES>::begin(Side::producer);
  Work work(a);

  for (Unit unit; work.next(a, unit);) {
    const int head = a.bias.head_stride ? unit.head : 0,
              batch = a.bias.batch_stride ? unit.batch : 0;
    const auto load_tile = [&](int group, int block, Turn<BIAS_STAGES>& turn) {
      const Ring<BIAS_STAGES> ring = rings.bias(group);
      const int first_row = unit.first_row_of(group);
      ring.wait_empty(turn);
      if (issues) {
        const u32 full = ring.full(turn.slot);
        const u32 to = bias_tile(shared, group, turn.slot);
        const auto load = [&](const TensorMap& part, u32 at, int column) {
          ptx::tma_load(at, &part, full, column, first_row, head, batch);
        };
        ptx::mbarrier_arrive_expect(full, kTile.bias_bytes());
#pragma unroll
        for (int page = 0; page < BLOCK_K / 64; ++page) {
          load(map, to + page * kBiasPage, first_key(unit, block) + page * 64);
        }
        if (kBiasRest) {
          constexpr int kPages64 = BLOCK_K / 64;
          load(rest_map, to + kPages64 * kBiasPage, first_key(unit, block) + kPages64 * 64);
        }
      }
      turn.advance();
    };
    // A causal group further down sees more blocks.
    const auto blocks_of = [&](int group) {
      if (group >= kGroups) return 0;
      return blocks_of_rows(a, unit, unit.first_row_of(group), 64).count;
    };
    const int last = loader + (kGroupsOfOne - 1) * kBiasLoaders;
    const int most = max(blocks_of(loader), blocks_of(last));
    for (int block = most - 1; block >= 0; --block) {
#pragma unroll
      for (int i = 0; i < kGroupsOfOne; ++i) {
        const int group = loader + i * kBiasLoaders;
        if (kGroupsOfOne == 1 || block < blocks_of(group)) load_tile(group, block, turns[i]);
      }
    }
  }
}

extern "C" __global__ void __launch_bounds__(kTile.threads(), 1)
    forward(const __grid_constant__ AttentionArguments a, const __grid_constant__ TensorMap q_map,
            const __grid_constant__ TensorMap k_map, const __grid_constant__ TensorMap v_map
#if HAS_BIAS
            ,
            const __grid_constant__ TensorMap bias_map,
            const __grid_constant__ TensorMap bias_rest_map
#endif
    ) {
  extern __shared__ char shared_memory[];
  const u32 shared = ptx::shared_address(shared_memory);
  const int warp = ptx::uniform(threadIdx.x / 32), group = warp / 4, lane = threadIdx.x % 32;
  const Rings rings = {shared + kTile.barriers_at()};
  if (threadIdx.x == 0) {
    if (shared % ForwardTile::kAlignment != 0) ptx::trap();
    // A producer's one arrival fills; one lane of each warp that reads a slot empties it.
    const int of_cluster = CLUSTER_Q == 1 ? kArrivals : CLUSTER_Q;
    rings.q().init(1, NUM_WARPS * kArrivals);
    rings.k().init(1, NUM_WARPS * of_cluster);
    rings.v().init(1, NUM_WARPS * of_cluster);
    for (int i = 0; HAS_BIAS && i < kGroups; ++i) rings.bias(i).init(1, 4 * kArrivals);
    ptx::fence_mbarrier_init();
    ptx::fence_async_proxy();
  }
  if (CLUSTER_Q > 1) {
    ptx::cluster_arrive();
    ptx::cluster_wait();
  } else {
    __syncthreads();
  }

  if (group == kGroups) {
    ptx::give_up_registers<kTile.loader_registers()>();
    if (warp % 4 == 0) load_qkv(a, q_map, k_map, v_map, rings, shared, lane);
#if HAS_BIAS
    if (warp % 4 >= 1 && warp % 4 <= kGroups) {
      load_bias(a, bias_map, bias_rest_map, rings, shared, warp % 4 - 1);
    }
#endif
  } else {
    ptx::take_registers<kTile.registers()>();
    Loads loads = {rings, shared, group, lane, ConsumedUnit(a)};
    consume(a, loads, shared, group, warp % 4, lane);
  }
  // No block leaves while another may still signal it.
  if (CLUSTER_Q > 1) {
    ptx::cluster_arrive();
    ptx::cluster_wait();
  }
}
