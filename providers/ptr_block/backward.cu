// ptr_block's backward pass on Hopper: the loading threads compute an address for every 16 bytes
// and copy them by cp.async, wgmma multiplies the tiles. No tensor maps; rows may begin at any
// multiple of 16 bytes. The macros it takes: kernel_kit/device/backward_work.cuh.
//
// Parameters of `backward`: the arguments. Grid: key_blocks * kv_heads * batch as LastWave deals
// them out.
#include "kernel_kit/device/backward_by_keys.cuh"
#include "kernel_kit/device/backward_by_roles.cuh"
#include "kernel_kit/device/backward_statistics.cuh"

constexpr int kLoaders = 128;           // threads
constexpr int kRowStep = kLoaders / 8;  // eight threads a row of 128 bytes
static_assert(kRowStep % 8 == 0, "all rows of a thread have the same swizzle");

// A row of a tensor from its column `chunk` * 8 on.
DEVICE const char* row_of(const AttentionTensor& tensor, int batch, int head, int row, int chunk) {
  return static_cast<const char*>(tensor.data) +
         (batch * tensor.batch_stride + head * tensor.head_stride + row * tensor.row_stride) * 2 +
         chunk * 16;
}

// Where chunk `chunk` of row `row` lies in a page: its bits are those of the row's 128-byte
// swizzle.
DEVICE u32 place_in_page(int row, int chunk) {
  return row * 128 + ((chunk ^ (row & 7)) << 4);
}

// This thread's share of a tile of kRows rows from `first_row` on and kColumnPages pages of 64
// columns from `first_column` on; what lies beyond rows x columns of the tensor becomes zeros.
template <int kRows, int kColumnPages>
DEVICE void copy_tile(u32 to, const AttentionTensor& tensor, int batch, int head, int first_row,
                      int first_column, int rows, int columns) {
  const int row = static_cast<int>(threadIdx.x) / 8, chunk = static_cast<int>(threadIdx.x) % 8;
  const char* from = row_of(tensor, batch, head, first_row + row, first_column / 8 + chunk);
  to += place_in_page(row, chunk);
  const int rows_left = rows - first_row - row, columns_left = columns - first_column - chunk * 8;
#pragma unroll
  for (int i = 0; i < kRows; i += kRowStep) {
#pragma unroll
    for (int page = 0; page < kColumnPages; ++page) {
      const u32 place = to + page * (kRows * 128) + i * 128;
      if (HAS_TAILS) {
        ptx::copy_16_or_zero(place, from + page * 128, i < rows_left && page * 64 < columns_left);
      } else {
        ptx::copy_16(place, from + page * 128);
      }
    }
    from += tensor.row_stride * (2 * kRowStep);
  }
}

DEVICE void copy_statistics(u32 to, const float* from) {
  const int thread = static_cast<int>(threadIdx.x);
  if (thread < kBlockQ / 4) ptx::copy_16(to + thread * 16, from + thread * 4);
}

// All threads of the loading warpgroup.
DEVICE void load_tiles(const AttentionArguments& a, const BackwardWork& work,
                       const BackwardBarriers& barriers, u32 shared) {
  copy_tile<kBlockK, kPages>(shared + kTile.k_offset(), a.k, work.batch, work.kv_head,
                             work.first_key, 0, a.seqlen_kv, a.head_dim);
  copy_tile<kBlockK, kPages>(shared + kTile.v_offset(), a.v, work.batch, work.kv_head,
                             work.first_key, 0, a.seqlen_kv, a.head_dim);
  ptx::copy_arrive(barriers.keys());
  QueryWalk walk(work);
  auto q_turn = Turn<NUM_STAGES>::begin(Side::producer);
  auto grad_o_turn = Turn<GRAD_O_STAGES>::begin(Side::producer);
#pragma unroll 1
  for (int step = 0; step < work.steps; ++step) {
    const int first_row = walk.block * kBlockQ;
    const auto row_of_workspace = [&] {  // too few registers to remember it
      const long long head = static_cast<long long>(work.batch) * a.heads + walk.head;
      return head * kTile.padded_queries(a.seqlen_q) + first_row;
    };
    barriers.q().wait_empty(q_turn);
    copy_tile<kBlockQ, kPages>(shared + kTile.q_offset() + q_turn.slot * kQueryTile, a.q,
                               work.batch, walk.head, first_row, 0, a.seqlen_q, a.head_dim);
    copy_statistics(shared + kTile.scaled_lse_offset() + q_turn.slot * kStatistics,
                    a.scaled_lse + row_of_workspace());
    if (HAS_BIAS) {
      copy_tile<kBlockQ, kBlockK / 64>(shared + kTile.bias_offset() + q_turn.slot * kScoresBytes,
                                       a.bias, work.batch, walk.head, first_row, work.first_key,
                                       a.seqlen_q, a.seqlen_kv);
    }
    ptx::copy_arrive(barriers.q().full(q_turn.slot));
    q_turn.advance();

    barriers.grad_o().wait_empty(grad_o_turn);
    copy_tile<kBlockQ, kPages>(shared + kTile.grad_o_offset() + grad_o_turn.slot * kQueryTile,
                               a.grad_o, work.batch, walk.head, first_row, 0, a.seqlen_q,
                               a.head_dim);
    copy_statistics(shared + kTile.delta_offset() + grad_o_turn.slot * kStatistics,
                    a.delta + row_of_workspace());
    ptx::copy_arrive(barriers.grad_o().full(grad_o_turn.slot));
    grad_o_turn.advance();
    walk.advance();
  }
}

struct PointerAccess {
  const AttentionArguments& a;

  // cp.async writes through the generic proxy, wgmma reads through the asynchronous one.
  __device__ __forceinline__ void wait_full(u32 barrier, u32 parity) const {
    ptx::mbarrier_wait(barrier, parity);
    ptx::fence_async_proxy();
  }

  __device__ __forceinline__ void release(const Lane& lane, u32 barrier) const {
    lane.arrive(barrier);
  }

  // dK and dV of the warpgroup's 64 keys, which begin at `first` of the block's, out of K's and V's
  // place in shared memory. At head_dim 256 warpgroup 0 has dV and the other dK.
  __device__ __forceinline__ void store_gradients(const KeyPlace& keys, const Lane& lane,
                                                  int first) const {
    sync_group(lane.group);
    if (!kTile.splits_by_role() || lane.group == 0) {
      store_tile(lane.shared + kTile.v_offset(), a.grad_v, keys, first);
    }
    if (!kTile.splits_by_role() || lane.group == 1) {
      store_tile(lane.shared + kTile.k_offset(), a.grad_k, keys, first);
    }
    if (GRAD_Q_IN_BULK) ptx::bulk_wait<0>();  // shared memory must outlive the copies out of it
  }

  __device__ __forceinline__ void store_tile(u32 tile, const AttentionTensor& tensor,
                                             const KeyPlace& keys, int first) const {
    const int thread = static_cast<int>(threadIdx.x) % 128, row = thread / 8, chunk = thread % 8;
    const int key = keys.first_key + first + row;
    const char* to = row_of(tensor, keys.batch, keys.kv_head, key, chunk);
    tile += first * 128 + place_in_page(row, chunk);
#pragma unroll
    for (int i = 0; i < 64; i += kRowStep) {
#pragma unroll
      for (int page = 0; page < kPages; ++page) {
        if (HAS_TAILS && (key + i >= a.seqlen_kv || page * 64 + chunk * 8 >= a.head_dim)) continue;
        u32 x[4];
        ptx::load_shared_u4(tile + page * kKeyPage + i * 128, x);
        ptx::store_global_u4(const_cast<char*>(to) + page * 128, x[0], x[1], x[2], x[3]);
      }
      to += tensor.row_stride * (2 * kRowStep);
    }
  }
};

extern "C" __global__ void __launch_bounds__(kTile.threads(), 1)
    backward(const __grid_constant__ AttentionArguments a) {
  extern __shared__ __align__(1024) unsigned char memory[];
  const u32 shared = ptx::shared_address(memory);
  const BackwardWork work(a);
  const BackwardBarriers barriers = {shared + kTile.barriers_offset()};
  if (threadIdx.x == 0) {
    if (shared % 1024 != 0) ptx::trap();
    barriers.init(kLoaders);
    work.note(shared);
  }
  __syncthreads();

  const int warpgroup = ptx::uniform(static_cast<int>(threadIdx.x) / 128);
  if (warpgroup == 0) {
    ptx::give_up_registers<24>();
    load_tiles(a, work, barriers, shared);
  } else {
    ptx::take_registers<240>();
    const Lane lane = {warpgroup - 1, static_cast<int>(threadIdx.x) / 32 % 4,
                       static_cast<int>(threadIdx.x) % 32, shared};
    const PointerAccess access = {a};
    if constexpr (kTile.splits_by_role())
      backward_by_roles(a, work, barriers, access, lane);
    else
      backward_by_keys(a, work, barriers, access, lane);
  }
}
