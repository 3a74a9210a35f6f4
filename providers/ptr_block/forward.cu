// Flash attention forward for sm_90a from blocks of pointers: every thread of the loading warpgroup
// computes the addresses of its 16 bytes and copies them by cp.async; no tensor maps, any strides.
// The others (forward_consumer.cuh) compute with wgmma as if TMA had brought the tiles.
//
// What differs from TMA:
// - cp.async writes through the generic proxy and wgmma reads through the asynchronous one: who
//   has copied fences before it arrives, instead of every consumer behind each wait.
// - A tile is complete when all 128 copying threads have arrived, each when its own copies are in.
// - The bias is copied by the warps that read it, their own 16 rows some blocks ahead: no barrier,
//   and it stays within the generic proxy.
//
// Takes the macros of forward_consumer.cuh and work_list.cuh. Parameters: AttentionArguments.
#include "kernel_kit/device/forward_consumer.cuh"

static_assert(!kBiasFirst || BIAS_STAGES > 1, "a bias that is needed first must be under way");
static_assert(CLUSTER_Q == 1, "only TMA can send a tile to several blocks");

constexpr int kLoaders = 128;
constexpr int kLoadersBarrier = 15;        // beyond those of the consumers
constexpr int kRowsAtOnce = kLoaders / 8;  // a row of a page is eight chunks of 16 bytes
static_assert(kRowsAtOnce % 8 == 0, "else the swizzle of a thread's rows would alternate");

DEVICE const char* start_of(const AttentionTensor& tensor, int batch, int head) {
  return static_cast<const char*>(tensor.data) +
         2 * (batch * tensor.batch_stride + head * tensor.head_stride);
}

// Copies of one loading thread: chunk `chunk` of rows `row`, row + 16, ... of every page.
struct Loader {
  int row, chunk;
  u32 place;  // of its first chunk in a tile

  __device__ __forceinline__ explicit Loader(int thread)
      : row(thread / 8), chunk(thread % 8), place(row * 128 + ((chunk ^ (row & 7)) << 4)) {}

  // A tile of kTileRows rows at `to` from the row at `from`; rows from `rows_left` on and columns
  // behind head_dim become 0: 0 times what lies there might be NaN.
  template <int kTileRows>
  __device__ __forceinline__ void copy(const AttentionArguments& a, u32 to, const char* from,
                                       long long row_stride, int rows_left) const {
    from += 2 * (row * row_stride + chunk * 8);
    to += place;
    if (!HAS_TAILS || (rows_left >= kTileRows && a.head_dim == HEAD_DIM)) {
      copy_rows<kTileRows, false>(a, to, from, row_stride, rows_left);
    } else {
      copy_rows<kTileRows, true>(a, to, from, row_stride, rows_left);
    }
  }

 private:
  template <int kTileRows, bool kChecked>
  __device__ __forceinline__ void copy_rows(const AttentionArguments& a, u32 to, const char* from,
                                            long long row_stride, int rows_left) const {
#pragma unroll
    for (int first = 0; first < kTileRows; first += kRowsAtOnce) {
      if (first + kRowsAtOnce > kTileRows && first + row >= kTileRows) break;
#pragma unroll
      for (int page = 0; page < kPages; ++page) {
        const u32 at = to + page * kTileRows * 128 + first * 128;
        const char* const source = from + 2 * first * row_stride + page * 128;
        if (kChecked) {
          const bool exists = first + row < rows_left && page * 64 + chunk * 8 < a.head_dim;
          ptx::copy_16_or_zero(at, source, exists);
        } else {
          ptx::copy_16(at, source);
        }
      }
    }
  }
};

// Tells readers that a tile is there: a tile later, so that two are under way, or at once where the
// loader would otherwise sleep until they have read it.
struct Arrivals {
  u32 pending = 0;  // the barrier of the last tile copied

  __device__ __forceinline__ void add(u32 full) {
    ptx::copy_commit();
    if (pending != 0) arrive<1>();
    pending = full;
  }
  __device__ __forceinline__ void settle() {
    if (pending != 0) arrive<0>();
    pending = 0;
  }
  template <int kSlots>
  __device__ __forceinline__ void wait_empty(const Ring<kSlots>& ring, const Turn<kSlots>& turn) {
    if (!ptx::mbarrier_test(ring.empty(turn.slot), turn.parity)) settle();
    ring.wait_empty(turn);
  }

 private:
  template <int kUnderWay>
  __device__ __forceinline__ void arrive() const {
    ptx::copy_wait<kUnderWay>();
    ptx::fence_async_proxy();
    ptx::mbarrier_arrive(pending);
  }
};

// The loading warpgroup, all four warps.
DEVICE void load_qkv(const AttentionArguments& a, Rings rings, u32 shared) {
  const Loader loader(threadIdx.x % kLoaders);
  Turn<1> q_turn = Turn<1>::begin(Side::producer);
  Turn<NUM_STAGES> k_turn = Turn<NUM_STAGES>::begin(Side::producer), v_turn = k_turn;
  Arrivals arrivals;
  [[maybe_unused]] Work work(a);
  TakenWork<Work> taken;
  const auto next = [&](Unit& unit) {
    if (!TAKE_UNITS) return work.next(a, unit);
    const bool takes = threadIdx.x % kLoaders < 32;
    const int own = takes ? taken.take(a, threadIdx.x % 32) : 0;
    arrivals.wait_empty(rings.q(), q_turn);  // its readers have read the number before this one too
    if (threadIdx.x % kLoaders == 0) ptx::store_shared_u1(shared + kTile.unit_at(), own);
    ptx::barrier_sync<kLoadersBarrier, kLoaders>();
    const int index = static_cast<int>(ptx::load_shared_u1(shared + kTile.unit_at()));
    if (index == taken.kNone) {
      arrivals.add(rings.q().full(0));
      return false;
    }
    unit = Work::unit(a, index);
    return true;
  };

  for (Unit unit; next(unit);) {
    const int kv_head = unit.head / (a.heads / a.kv_heads);
    const int num_blocks = blocks_of_unit(a, unit).count;
    arrivals.wait_empty(rings.q(), q_turn);
    loader.copy<kRows>(a, shared + kTile.q_at(),
                       start_of(a.q, unit.batch, unit.head) + 2 * unit.first_row * a.q.row_stride,
                       a.q.row_stride, a.seqlen_q - unit.first_row);
    arrivals.add(rings.q().full(0));
    q_turn.advance();

    const char* const k_start = start_of(a.k, unit.batch, kv_head);
    const char* const v_start = start_of(a.v, unit.batch, kv_head);
    const auto load = [&](const char* start, long long row_stride, auto ring, auto& turn, int at,
                          int block) {
      const int key = first_key(unit, block);
      arrivals.wait_empty(ring, turn);
      loader.copy<BLOCK_K>(a, shared + at + turn.slot * kTile.kv_bytes(),
                           start + 2 * key * row_stride, row_stride, a.seqlen_kv - key);
      arrivals.add(ring.full(turn.slot));
      turn.advance();
    };
    for (int block = num_blocks - 1; block >= -1; --block) {  // V a block later, as it is used
      if (block >= 0) load(k_start, a.k.row_stride, rings.k(), k_turn, kTile.k_at(), block);
      if (block < num_blocks - 1) {
        load(v_start, a.v.row_stride, rings.v(), v_turn, kTile.v_at(), block + 1);
      }
    }
  }
  arrivals.settle();
}

// A warp's own 16 rows of bias, BIAS_STAGES - 1 blocks ahead, also into its next unit: one group of
// copies at each step, an empty one at the end, so that counting groups tells what has arrived.
struct BiasAhead {
  u32 shared;
  int group, warp, lane;
  Work work;
  int block = -1;  // the next to be copied; -1: of the next unit
  int key = 0, first_row = 0;
  const char* from = nullptr;  // the lane's first 16 bytes of the block
  u32 slot = 0;

  __device__ __forceinline__ void copy_next(const AttentionArguments& a) {
    if (find_block(a)) {
      const u32 tile = bias_tile(shared, group, slot);
      if (!HAS_TAILS || (first_row + 16 <= a.seqlen_q && key + BLOCK_K <= a.seqlen_kv)) {
        copy_block<false>(a, tile, key);
      } else {
        copy_block<true>(a, tile, key);
      }
      from -= 2 * BLOCK_K;
      key -= BLOCK_K;
      --block;
    }
    ptx::copy_commit();
    if (++slot == BIAS_STAGES) slot = 0;
  }

 private:
  // Where a lane begins in a page of so many columns: rows and chunks of 16 bytes.
  template <int kColumns>
  __device__ __forceinline__ long long lane_start(const AttentionArguments& a) const {
    return 2 * (lane / (kColumns / 8) * a.bias.row_stride + lane % (kColumns / 8) * 8);
  }

  __device__ __forceinline__ bool find_block(const AttentionArguments& a) {
    while (block < 0) {
      Unit unit;
      if (!work.next(a, unit)) return false;
      const int first_of_group = unit.first_row_of(group);
      block = blocks_of_rows(a, unit, first_of_group, 64).count - 1;
      key = first_key(unit, block);
      first_row = first_of_group + warp * 16;
      from = start_of(a.bias, unit.batch, unit.head) + 2 * (first_row * a.bias.row_stride + key) +
             lane_start<64>(a);
    }
    return true;
  }

  template <bool kChecked>
  __device__ __forceinline__ void copy_block(const AttentionArguments& a, u32 tile, int key) const {
#pragma unroll
    for (int page = 0; page < BLOCK_K / 64; ++page) {
      copy_page<64, kChecked>(a, tile + page * kBiasPage, from + page * 128, key + page * 64);
    }
    if constexpr (kBiasRest > 0) {
      constexpr int kPages64 = BLOCK_K / 64;
      copy_page<kBiasRest, kChecked>(
          a, tile + kPages64 * kBiasPage,
          from + kPages64 * 128 - lane_start<64>(a) + lane_start<kBiasRest>(a),
          key + kPages64 * 64);
    }
  }

  template <int kColumns, bool kChecked>
  __device__ __forceinline__ void copy_page(const AttentionArguments& a, u32 page,
                                            const char* source, int key) const {
    constexpr int kChunks = kColumns / 8, kRowsOfWarp = 32 / kChunks;
    const int row = lane / kChunks, chunk = lane % kChunks;
    const int swizzle = kColumns == 64 ? row : kColumns == 32 ? row >> 1 & 3 : row >> 2 & 1;
    const u32 to = page + (warp * 16 + row) * kColumns * 2 + ((chunk ^ swizzle) << 4);
#pragma unroll
    for (int first = 0; first < 16; first += kRowsOfWarp) {
      // Four rows on, the 128-byte swizzle has another key; the others have theirs again.
      const u32 at = (kColumns == 64 && first % 8 != 0 ? to ^ 64 : to) + first * kColumns * 2;
      const char* const row_source = source + 2 * first * a.bias.row_stride;
      if (kChecked) {
        ptx::copy_16_or_zero(at, row_source,
                             first_row + first + row < a.seqlen_q && key + chunk * 8 < a.seqlen_kv);
      } else {
        ptx::copy_16(at, row_source);
      }
    }
  }
};

// The consumers' side.
struct Loads {
  const AttentionArguments& a;
  Rings rings;
  u32 shared;
  int lane;
  BiasAhead bias;
  ConsumedUnit at;
  Turn<1> q_turn = Turn<1>::begin(Side::consumer);
  Turn<NUM_STAGES> k_turn = Turn<NUM_STAGES>::begin(Side::consumer), v_turn = k_turn;
  u32 bias_slot = 0;

  template <int kSlots>
  __device__ __forceinline__ void release(Ring<kSlots> ring, Turn<kSlots>& turn) const {
    if (ALL_LANES_ARRIVE || lane == 0) ptx::mbarrier_arrive(ring.empty(turn.slot));
    turn.advance();
  }

  __device__ __forceinline__ bool next(const AttentionArguments&) {
    return at.next(a, shared, [&] { rings.q().wait_full(q_turn); });
  }
  __device__ __forceinline__ Unit unit(const AttentionArguments&) { return at.unit(a); }
  __device__ __forceinline__ void release_q() { release(rings.q(), q_turn); }
  __device__ __forceinline__ u32 k() const { return k_operand(shared, k_turn.slot); }
  __device__ __forceinline__ void wait_k() { rings.k().wait_full(k_turn); }
  __device__ __forceinline__ void release_k() { release(rings.k(), k_turn); }
  __device__ __forceinline__ u32 v() const { return v_operand(shared, v_turn.slot); }
  __device__ __forceinline__ void wait_v() { rings.v().wait_full(v_turn); }
  __device__ __forceinline__ void release_v() { release(rings.v(), v_turn); }

  __device__ __forceinline__ void bias_ahead() {
    if (HAS_BIAS) bias.copy_next(a);
  }
  __device__ __forceinline__ u32 wait_bias() const {
    // With BIAS_FIRST the next block's copies have not been begun yet.
    ptx::copy_wait<BIAS_STAGES - (kBiasFirst ? 2 : 1)>();
    __syncwarp();
    return bias_tile(shared, bias.group, bias_slot);
  }
  __device__ __forceinline__ void release_bias() {
    __syncwarp();
    if (++bias_slot == BIAS_STAGES) bias_slot = 0;
  }
};

extern "C" __global__ void __launch_bounds__(kTile.threads(), 1)
    forward(const __grid_constant__ AttentionArguments a) {
  extern __shared__ char shared_memory[];
  const u32 shared = ptx::shared_address(shared_memory);
  const int warp = ptx::uniform(threadIdx.x / 32), group = warp / 4, lane = threadIdx.x % 32;
  const Rings rings = {shared + kTile.barriers_at()};
  if (threadIdx.x == 0) {
    if (shared % ForwardTile::kAlignment != 0) ptx::trap();
    // Every copying thread's arrival fills; one lane of each warp that reads a slot empties it.
    rings.q().init(kLoaders, NUM_WARPS * kArrivals);
    rings.k().init(kLoaders, NUM_WARPS * kArrivals);
    rings.v().init(kLoaders, NUM_WARPS * kArrivals);
    ptx::fence_mbarrier_init();
  }
  __syncthreads();

  if (group == kGroups) {
    ptx::give_up_registers<kTile.loader_registers()>();
    load_qkv(a, rings, shared);
  } else {
    ptx::take_registers<kTile.registers()>();
    Loads loads = {
        a, rings, shared, lane, {shared, group, warp % 4, lane, Work(a)}, ConsumedUnit(a)};
    for (int i = 0; i < BIAS_STAGES - 1; ++i) loads.bias_ahead();
    consume(a, loads, shared, group, warp % 4, lane);
  }
}
