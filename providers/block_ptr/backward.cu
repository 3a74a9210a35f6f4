// block_ptr's backward pass on Hopper: TMA loads tiles by their descriptors, wgmma multiplies them.
// The macros it takes: kernel_kit/device/backward_work.cuh.
//
// Parameters of `backward`: the arguments, then tensor maps of q, k, v, grad_o, grad_k, grad_v and,
// if HAS_BIAS, bias. Boxes of 64 columns x 64 rows; of bias block_q rows, of q and grad_o
// query_box_rows. Grid: key_blocks * kv_heads * batch as LastWave deals them out; a cluster is of
// neighbours.
#include "kernel_kit/device/backward_by_keys.cuh"
#include "kernel_kit/device/backward_by_roles.cuh"
#include "kernel_kit/device/backward_statistics.cuh"

struct Maps {
  const TensorMap *q, *k, *v, *grad_o, *grad_k, *grad_v, *bias;
};

struct TmaAccess {
  const Maps& maps;

  __device__ __forceinline__ void wait_full(u32 barrier, u32 parity) const {
    ptx::mbarrier_wait(barrier, parity);  // TMA writes where wgmma reads: no fence between them
  }

  // Tells every block that loads a share of the tile.
  __device__ __forceinline__ void release(const Lane& lane, u32 barrier) const {
    if (CLUSTER_KEYS == 1) return lane.arrive(barrier);
    __syncwarp();
    if (lane.lane < CLUSTER_KEYS) {
      ptx::mbarrier_arrive_in_cluster(ptx::in_block(barrier, lane.lane));
    }
  }

  // dK and dV of the warpgroup's 64 keys, which begin at `first` of the block's, out of K's and V's
  // place in shared memory. At head_dim 256 warpgroup 0 has dV and the other dK.
  __device__ __forceinline__ void store_gradients(const KeyPlace& keys, const Lane& lane,
                                                  int first) const {
    ptx::fence_async_proxy();
    sync_group(lane.group);
    if (threadIdx.x % 128 == 0) {
      for (int page = 0; page < kPages; ++page) {
        const u32 part = lane.shared + page * kKeyPage + first * 128;
        const int key = keys.first_key + first;
        if (!kTile.splits_by_role() || lane.group == 0) {
          ptx::tma_store(maps.grad_v, part + kTile.v_offset(), page * 64, key, keys.kv_head,
                         keys.batch);
        }
        if (!kTile.splits_by_role() || lane.group == 1) {
          ptx::tma_store(maps.grad_k, part + kTile.k_offset(), page * 64, key, keys.kv_head,
                         keys.batch);
        }
      }
      ptx::bulk_commit();
    }
    ptx::bulk_wait<0>();  // shared memory must outlive the copies out of it
  }
};

DEVICE void load_keys(const TensorMap* map, u32 to, u32 barrier, const BackwardWork& work) {
  for (int page = 0; page < kPages; ++page) {
    for (int row = 0; row < kBlockK; row += 64) {
      ptx::tma_load(to + page * kKeyPage + row * 128, map, barrier, page * 64, work.first_key + row,
                    work.kv_head, work.batch);
    }
  }
}

// In a cluster this block's share for all: of pages, or of rows where there is one page.
DEVICE void load_queries(const TensorMap* map, u32 to, u32 barrier, const BackwardWork& work,
                         const QueryWalk& walk) {
  constexpr int kRowBoxes = kBlockQ / kTile.query_box_rows(CLUSTER_KEYS);
  constexpr int kBoxes = kPages * kRowBoxes, kShare = kBoxes / CLUSTER_KEYS;
  static_assert(kShare * CLUSTER_KEYS == kBoxes, "a tile is shared in whole boxes");
  const int rank = static_cast<int>(blockIdx.x) % CLUSTER_KEYS;
#pragma unroll
  for (int i = 0; i < kShare; ++i) {
    const int box = rank * kShare + i, page = box / kRowBoxes,
              row = box % kRowBoxes * (kBlockQ / kRowBoxes);
    const u32 place = to + page * kQueryPage + row * 128;
    const int first_row = walk.block * kBlockQ + row;
    if (CLUSTER_KEYS == 1) {
      ptx::tma_load(place, map, barrier, page * 64, first_row, walk.head, work.batch);
    } else {
      ptx::tma_load_multicast(place, map, barrier, page * 64, first_row, walk.head, work.batch,
                              (1u << CLUSTER_KEYS) - 1);
    }
  }
}

DEVICE void load_bias(const AttentionArguments& a, const TensorMap* map, u32 to, u32 barrier,
                      const BackwardWork& work, const QueryWalk& walk) {
  const int head = a.bias.head_stride ? walk.head : 0, batch = a.bias.batch_stride ? work.batch : 0;
#pragma unroll
  for (int page = 0; page < kBlockK / 64; ++page) {
    ptx::tma_load(to + page * kQueryPage, map, barrier, work.first_key + page * 64,
                  walk.block * kBlockQ, head, batch);
  }
}

// One thread.
DEVICE void load_tiles(const AttentionArguments& a, const Maps& maps, const BackwardWork& work,
                       const BackwardBarriers& barriers, u32 shared) {
  ptx::mbarrier_arrive_expect(barriers.keys(), 2 * kKeyTile);
  load_keys(maps.k, shared + kTile.k_offset(), barriers.keys(), work);
  load_keys(maps.v, shared + kTile.v_offset(), barriers.keys(), work);
  QueryWalk walk(work);
  auto q_turn = Turn<NUM_STAGES>::begin(Side::producer);
  auto grad_o_turn = Turn<GRAD_O_STAGES>::begin(Side::producer);
  int tile = static_cast<int>(work.first_tile(a));  // of the workspace
  for (int step = 0; step < work.steps; ++step) {
    barriers.q().wait_empty(q_turn);
    const u32 q_full = barriers.q().full(q_turn.slot);
    ptx::mbarrier_arrive_expect(q_full, kQueryTile + kStatistics + kTile.bias_bytes());
    load_queries(maps.q, shared + kTile.q_offset() + q_turn.slot * kQueryTile, q_full, work, walk);
    ptx::bulk_load(shared + kTile.scaled_lse_offset() + q_turn.slot * kStatistics,
                   a.scaled_lse + static_cast<long long>(tile) * kBlockQ, kStatistics, q_full);
    if (HAS_BIAS) {
      load_bias(a, maps.bias, shared + kTile.bias_offset() + q_turn.slot * kScoresBytes, q_full,
                work, walk);
    }
    q_turn.advance();

    barriers.grad_o().wait_empty(grad_o_turn);
    const u32 grad_o_full = barriers.grad_o().full(grad_o_turn.slot);
    ptx::mbarrier_arrive_expect(grad_o_full, kQueryTile + kStatistics);
    load_queries(maps.grad_o, shared + kTile.grad_o_offset() + grad_o_turn.slot * kQueryTile,
                 grad_o_full, work, walk);
    ptx::bulk_load(shared + kTile.delta_offset() + grad_o_turn.slot * kStatistics,
                   a.delta + static_cast<long long>(tile) * kBlockQ, kStatistics, grad_o_full);
    grad_o_turn.advance();
    tile += walk.advance();
  }
}

extern "C" __global__ void __launch_bounds__(kTile.threads(), 1)
    backward(const __grid_constant__ AttentionArguments a, const __grid_constant__ TensorMap q,
             const __grid_constant__ TensorMap k, const __grid_constant__ TensorMap v,
             const __grid_constant__ TensorMap grad_o, const __grid_constant__ TensorMap grad_k,
             const __grid_constant__ TensorMap grad_v
#if HAS_BIAS
             ,
             const __grid_constant__ TensorMap bias
#endif
    ) {
#if HAS_BIAS
  const Maps maps = {&q, &k, &v, &grad_o, &grad_k, &grad_v, &bias};
#else
  const Maps maps = {&q, &k, &v, &grad_o, &grad_k, &grad_v, nullptr};
#endif
  extern __shared__ __align__(1024) unsigned char memory[];
  const u32 shared = ptx::shared_address(memory);
  const BackwardWork work(a);
  const BackwardBarriers barriers = {shared + kTile.barriers_offset()};
  if (threadIdx.x == 0) {
    if (shared % 1024 != 0) ptx::trap();
    barriers.init(1);
    work.note(shared);
  }
  if (CLUSTER_KEYS > 1) {
    ptx::cluster_arrive();
    ptx::cluster_wait();
  } else {
    __syncthreads();
  }

  const int warpgroup = ptx::uniform(static_cast<int>(threadIdx.x) / 128);
  if (warpgroup == 0) {
    ptx::give_up_registers<24>();
    if (threadIdx.x == 0) load_tiles(a, maps, work, barriers, shared);
  } else {
    ptx::take_registers<240>();
    const Lane lane = {warpgroup - 1, static_cast<int>(threadIdx.x) / 32 % 4,
                       static_cast<int>(threadIdx.x) % 32, shared};
    const TmaAccess access = {maps};
    if constexpr (kTile.splits_by_role())
      backward_by_roles(a, work, barriers, access, lane);
    else
      backward_by_keys(a, work, barriers, access, lane);
  }  // No block leaves while another may still write or signal to it.
  if (CLUSTER_KEYS > 1) {
    __syncwarp();
    ptx::cluster_arrive();
    ptx::cluster_wait();
  }
}
