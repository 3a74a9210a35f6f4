// What the computing warpgroups of the sm_90a forward kernels do, however their tiles are loaded.
// Each has 64 query rows and walks over the keys from the last block to the first, so that blocks
// with hidden keys come first and the long loop needs no mask:
//
//   S(j) = Q K(j)^T          on the tensor cores, together with
//   O += P(j-1) V(j-1)       which goes on while the softmax of S(j) runs on the other units
//   P(j) = softmax(S(j)),    O is rescaled where a row's maximum grew
//
// Takes HEAD_DIM BLOCK_K NUM_WARPS NUM_STAGES IS_BF16 HAS_BIAS IS_CAUSAL HAS_TAILS and, to see what
// a design step is worth:
//   OVERLAP      1: the softmax runs over the product with V (where the registers allow it)
//   PING_PONG    1: the warpgroups issue their products in turn
//   LAZY_RESCALE 1: O is rescaled only when a maximum grew by more than 2^8
//   TRUST        1: blocks without hidden keys are exponentiated with the old maximum, and computed
//                again if that was wrong (rare: it takes a jump of the scores by 2^15)
//   BIAS_FIRST   1: S begins as bias / scale and the products are added to it, so the bias is
//                fetched before S is needed. Not with bf16, whose lowest numbers become -inf so;
//                nor in the first block and those with hidden keys, which may be all that a row
//                sees: a sum that begins at -65504 loses digits at every step
//   SCALE_IN_Q   1: with BIAS_FIRST, Q is multiplied by the scale in its place, once, and not the
//                bias by its inverse, again and again; the host asks for it where that is exact
//   ALL_LANES_ARRIVE as in backward_work.cuh, for racecheck
//   TAKE_UNITS   1: units come from a counter that forward_prepare has zeroed, not in turn
//   DEALS_LAST_ROUND 1: blocks share the keys of a last round of few units, see work_list.cuh
//   BIAS_STAGES  tiles of bias under way, for each warpgroup
#pragma once

#ifndef OVERLAP
#define OVERLAP kTile.overlaps()
#endif
#ifndef PING_PONG
#define PING_PONG 0
#endif
#ifndef LAZY_RESCALE
#define LAZY_RESCALE 1
#endif
#ifndef TRUST
#define TRUST 0
#endif
#ifndef BIAS_FIRST
#define BIAS_FIRST 0
#endif
#ifndef SCALE_IN_Q
#define SCALE_IN_Q 0
#endif
#ifndef ALL_LANES_ARRIVE
#define ALL_LANES_ARRIVE 0
#endif
#ifndef BIAS_STAGES
#define BIAS_STAGES 2
#endif
#ifndef TAKE_UNITS
#define TAKE_UNITS 0
#endif
#ifndef DEALS_LAST_ROUND
#define DEALS_LAST_ROUND 0
#endif
#ifndef CLUSTER_Q
#define CLUSTER_Q 1
#endif
#ifndef HEADS_TOGETHER
#define HEADS_TOGETHER 0
#endif

#include "kernel_kit/device/attention.h"
#include "kernel_kit/device/constant.cuh"
#include "kernel_kit/device/forward_parts.cuh"
#include "kernel_kit/device/forward_tile.h"
#include "kernel_kit/device/pipeline.cuh"
#include "kernel_kit/device/product.cuh"
#include "kernel_kit/device/softmax.cuh"
#include "kernel_kit/device/visibility.cuh"
#include "kernel_kit/device/work_list.cuh"

constexpr ForwardTile kTile = {HEAD_DIM, BLOCK_K, NUM_WARPS / 4, NUM_STAGES, HAS_BIAS, BIAS_STAGES};
constexpr int kGroups = NUM_WARPS / 4;
constexpr int kRows = kTile.rows();
constexpr int kPages = kTile.pages();
constexpr Element kElement = IS_BF16 ? Element::bf16 : Element::f16;
constexpr int kArrivals = ALL_LANES_ARRIVE ? 32 : 1;  // of a warp that reads, at a barrier
constexpr bool kMayHide = HAS_TAILS || IS_CAUSAL;
constexpr bool kBiasFirst = HAS_BIAS && BIAS_FIRST && !IS_BF16;
constexpr bool kBiasBehind = HAS_BIAS && !kBiasFirst;
constexpr bool kScalesQ = kBiasFirst && SCALE_IN_Q;
constexpr int kBiasPage = 64 * 128;      // bytes of 64 x 64 elements
constexpr int kBiasRest = BLOCK_K % 64;  // columns behind the last whole page: 0, 16 or 32
constexpr float kLog2E = 1.4426950408889634f;

static_assert(NUM_WARPS % 4 == 0, "wgmma is computed by warpgroups of four warps");
static_assert(BLOCK_K % 16 == 0, "a product's k step is 16 keys");
static_assert(kBiasRest == 0 || kBiasRest == 16 || kBiasRest == 32, "48 columns have no swizzle");

using Work = WorkList<kRows, HEAD_DIM>;
using Part = Handover<NUM_WARPS, HEAD_DIM / 2>;
static_assert(Part::kPartBytes == kTile.part_bytes_of_warp(), "the host counts as the kernel does");

// The block's rings, one behind the other from `barriers` on. In a cluster all blocks have them at
// the same addresses.
struct Rings {
  u32 barriers;

  __device__ __forceinline__ Ring<1> q() const { return {barriers}; }
  __device__ __forceinline__ Ring<NUM_STAGES> k() const { return {q().end()}; }
  __device__ __forceinline__ Ring<NUM_STAGES> v() const { return {k().end()}; }
  __device__ __forceinline__ Ring<BIAS_STAGES> bias(int group) const {
    return {v().end() + group * Ring<BIAS_STAGES>::kBytes};
  }
};

DEVICE u32 k_tile(u32 shared, u32 slot) {
  return shared + kTile.k_at() + slot * kTile.kv_bytes();
}
DEVICE u32 k_operand(u32 shared, u32 slot) {
  return ptx::operand(shared + kTile.k_at()) + slot * (kTile.kv_bytes() / 16);
}
DEVICE u32 v_operand(u32 shared, u32 slot) {
  return ptx::operand(shared + kTile.v_at(), BLOCK_K * 128) + slot * (kTile.kv_bytes() / 16);
}
DEVICE u32 bias_tile(u32 shared, int group, u32 slot) {
  return shared + kTile.bias_at(group) + slot * kTile.bias_bytes();
}

// Blocks of keys of a unit, those that some of its rows first .. first + rows - 1 see: numbered
// from the first that this block takes.
DEVICE KeyBlocks blocks_of_rows(const AttentionArguments& a, const Unit& unit, int first,
                                int rows) {
  const KeyBlocks all = key_blocks(a, first, rows);
  if (!DEALS_LAST_ROUND) return all;
  const int count = max(min(all.count, unit.end_block) - unit.first_block, 0);
  return {count, 0};  // `whole` is asked for where causal tiles hide keys
}
// What goes through the rings: what the whole cluster sees.
DEVICE KeyBlocks blocks_of_unit(const AttentionArguments& a, const Unit& unit) {
  return blocks_of_rows(a, unit, unit.first_row - Work::rank_q() * kRows, kRows * CLUSTER_Q);
}
// The first key of one of them.
DEVICE int first_key(const Unit& unit, int block) {
  return (block + (DEALS_LAST_ROUND ? unit.first_block : 0)) * BLOCK_K;
}

static_assert(!DEALS_LAST_ROUND || !IS_CAUSAL, "causal tiles differ in length");
static_assert(!TAKE_UNITS || (!HAS_BIAS && CLUSTER_Q == 1),
              "the loaders take the units and tell them with Q, to the consumers of their block");

// The unit that the consumers are at: the next in turn, or the one whose number came with its Q.
struct ConsumedUnit {
  [[maybe_unused]] Work work;
  [[maybe_unused]] int taken = 0;

  __device__ __forceinline__ explicit ConsumedUnit(const AttentionArguments& a) : work(a) {}

  template <class WaitQ>
  __device__ __forceinline__ bool next(const AttentionArguments& a, u32 shared,
                                       const WaitQ& wait_q) {
    if (!TAKE_UNITS && !work.next(a)) return false;
    wait_q();
    if (TAKE_UNITS) taken = static_cast<int>(ptx::load_shared_u1(shared + kTile.unit_at()));
    return !TAKE_UNITS || taken != TakenWork<Work>::kNone;
  }
  __device__ __forceinline__ Unit unit(const AttentionArguments& a) {
    if (TAKE_UNITS) return Work::unit(a, ptx::forget(taken));
    work.round = ptx::forget(work.round);
    return Work::unit(a, work.index());
  }
};

// Turns of the warpgroups to issue products: one at a time, so that the others do softmax.
struct PingPong {
  static constexpr int kFirstBarrier = 1, kThreads = 256;  // one leaves, one enters
  int group;

  __device__ __forceinline__ explicit PingPong(int own) : group(own) {
    if (PING_PONG && group == kGroups - 1) pass();  // lets group 0 begin
  }
  __device__ __forceinline__ void take() const {
    if (PING_PONG) ptx::barrier_sync(kFirstBarrier + group, kThreads);
  }
  __device__ __forceinline__ void pass() const {
    const int next = group == kGroups - 1 ? 0 : group + 1;
    if (PING_PONG) ptx::barrier_arrive(kFirstBarrier + next, kThreads);
  }
};

// A warpgroup's 64 rows of Q times the scale, in their place.
DEVICE void scale_q(u32 own_rows, float scale, int group) {
  constexpr int kThreads = 128, kFirstBarrier = 8;  // beyond those of PingPong
  const u32 place = own_rows + ptx::thread_here() % kThreads * 16;
#pragma unroll
  for (int page = 0; page < kPages; ++page) {
#pragma unroll
    for (int i = 0; i < 64 * 128; i += kThreads * 16) {
      const u32 at = place + page * kRows * 128 + i;
      u32 x[4];
      ptx::load_shared_u4(at, x);
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        float low, high;
        ptx::unpack<kElement>(x[e], low, high);
        x[e] = ptx::pack<kElement>(low * scale, high * scale);
      }
      ptx::store_shared_u4(at, x[0], x[1], x[2], x[3]);
    }
  }
  ptx::fence_async_proxy();
  ptx::barrier_sync(kFirstBarrier + group, kThreads);
}

// Where ldmatrix finds 16 columns of a bias tile: row `row`, columns 16 * kColumns + 8 * half.
template <int kColumns>
DEVICE u32 bias_address(u32 tile, int row, int half) {
  const int chunk = kColumns % 4 * 2 + half;
  if (kColumns < BLOCK_K / 64 * 4) {
    return tile + kColumns / 4 * kBiasPage + row * 128 + ((chunk ^ (row & 7)) << 4);
  }
  const int key = kBiasRest == 16 ? row >> 2 & 1 : row >> 1 & 3;  // 32-byte and 64-byte swizzle
  return tile + BLOCK_K / 64 * kBiasPage + row * kBiasRest * 2 + ((chunk ^ key) << 4);
}

enum class Bias {
  begins,   // S = factor * bias
  follows,  // S += factor * bias
  scales    // S = factor * S + bias: natural units, so that -inf or the lowest bf16 does no harm
};

template <Bias kHow, int kColumns = 0>
DEVICE void take_bias(float (&scores)[BLOCK_K / 2], float factor, u32 tile, int row, int half) {
  u32 pairs[4];
  ptx::ldmatrix(bias_address<kColumns>(tile, row, half), pairs);
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    float low, high;
    ptx::unpack<kElement>(pairs[i], low, high);
    float* const s = scores + 8 * kColumns + 2 * i;
    const auto take = [&](float& score, float bias) {
      if (kHow == Bias::begins) score = bias * factor;
      if (kHow == Bias::follows) score = __fmaf_rn(bias, factor, score);
      if (kHow == Bias::scales) score = __fmaf_rn(score, factor, bias);
    };
    take(s[0], low);
    take(s[1], high);
  }
  if constexpr (kColumns + 1 < BLOCK_K / 16) {
    take_bias<kHow, kColumns + 1>(scores, factor, tile, row, half);
  }
}

template <int kValues>
DEVICE void clear(float (&values)[kValues]) {
#pragma unroll
  for (int i = 0; i < kValues; ++i) values[i] = 0.0f;
}

template <int kValues>
DEVICE float sum_of(const float (&values)[kValues]) {
  float sum = 0.0f;
#pragma unroll
  for (int i = 0; i < kValues; ++i) sum += values[i];
  return sum;
}

// S += Q K^T again, by a single warp and without wgmma, which only whole warpgroups can issue.
DEVICE void recompute_scores(float (&scores)[BLOCK_K / 2], u32 q_tile, u32 k_tile) {
  constexpr int kUnrolled = HEAD_DIM == 64 ? 4 : 1;  // by the least spills
  const int thread = ptx::thread_here(), lane = thread % 32;
  const int q_row = thread / 32 * 16 + lane % 16, k_row = lane % 8 + lane / 16 * 8;
#pragma unroll kUnrolled
  for (int step = 0; step < HEAD_DIM / 16; ++step) {
    const int page = step / 4, chunk = step % 4 * 2;
    u32 q[4];
    ptx::ldmatrix(
        q_tile + page * kRows * 128 + q_row * 128 + (((chunk + lane / 16) ^ (q_row & 7)) << 4), q);
#pragma unroll
    for (int keys = 0; keys < BLOCK_K; keys += 16) {
      u32 k[4];
      ptx::ldmatrix(k_tile + page * BLOCK_K * 128 + (keys + k_row) * 128 +
                        (((chunk + lane / 8 % 2) ^ (k_row & 7)) << 4),
                    k);
      ptx::mma_m16n8k16<kElement>(scores + keys / 2, q, k[0], k[1]);
      ptx::mma_m16n8k16<kElement>(scores + keys / 2 + 4, q, k[2], k[3]);
    }
  }
}

// O = output / sum and LSE, from registers to global memory.
template <class Sums>
DEVICE void store(const AttentionArguments& a, const Unit& unit, int row, int lane,
                  const float (&output)[HEAD_DIM / 2], const Sums& softmax) {
  const int lane_of_quad = lane % 4;
  if (a.lse && lane_of_quad < 2) {
    const int r = row + 8 * lane_of_quad;
    const float of_row[2] = {softmax.log_sum(0), softmax.log_sum(1)};
    float* const lse = a.lse + unit.batch * a.lse_batch_stride + unit.head * a.lse_head_stride;
    if (!HAS_TAILS || r < a.seqlen_q) lse[r] = lane_of_quad ? of_row[1] : of_row[0];
  }
  u16* const o = static_cast<u16*>(a.o.data) + unit.batch * a.o.batch_stride +
                 unit.head * a.o.head_stride + lane_of_quad * 8;
#pragma unroll
  for (int r = 0; r < 2; ++r) {
    const float factor = softmax.inverse_sum(r);
    u16* const to = o + (row + 8 * r) * a.o.row_stride;
#pragma unroll
    for (int columns = 0; columns < HEAD_DIM; columns += 32) {
      u32 x[4];
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const float* const pair = output + columns / 2 + 4 * i + 2 * r;
        x[i] = ptx::pack<kElement>(pair[0] * factor, pair[1] * factor);
      }
      transpose_quad(x, lane_of_quad);
      const bool exists = row + 8 * r < a.seqlen_q && columns + lane_of_quad * 8 < a.head_dim;
      if (!HAS_TAILS || exists) ptx::store_global_u4(to + columns, x[0], x[1], x[2], x[3]);
    }
  }
}

// Of a unit whose keys are shared: hands the own part over, or, who has the first keys, takes all
// others and returns true: the sums are complete.
template <class Sums>
DEVICE bool collect(const AttentionArguments& a, const Unit& unit, int warp, int lane,
                    float (&output)[HEAD_DIM / 2], Sums& softmax) {
  const auto of_sharer = [&](int sharer) {
    const int rank = static_cast<int>(blockIdx.x) % CLUSTER_Q;
    return Part(a, sharer * CLUSTER_Q + rank, ptx::forget(warp), ptx::forget(lane));
  };
  if (unit.first_block > 0) {
    of_sharer(unit.sharer).give(output, softmax, lane);
    return false;
  }
#pragma unroll 1
  for (int other = unit.sharer + 1; Share::of(a, other).begin < unit.last_step; ++other) {
    of_sharer(other).take(output, softmax);
  }
  return true;
}

// Loads: who brings the tiles. next() waits for the Q of unit(), wait_x() returns when
// tile x is there, release_x() says that this warp is done with it and goes on to the next. K and V
// turn up as operands of products.
template <class Loads>
DEVICE void consume(const AttentionArguments& a, Loads& loads, u32 shared, int group, int warp,
                    int lane) {
  float scores[BLOCK_K / 2], output[HEAD_DIM / 2], factor[2];
  u32 weights[BLOCK_K / 4];  // P, packed
  Softmax<BLOCK_K, HAS_BIAS && IS_BF16, LAZY_RESCALE> softmax;
  softmax.to_log2 = kBiasBehind || kScalesQ ? kLog2E : a.scale * kLog2E;
  const u32 q = ptx::operand(shared + kTile.q_at() + group * 64 * 128);
  const PingPong turns(group);

  const int bias_row = warp * 16 + lane % 16, bias_half = lane / 16;
  const auto bias_factor = [&] { return kScalesQ ? 1.0f : 1.0f / a.scale; };  // with BIAS_FIRST
  const auto begin_with_bias = [&](u32 tile) {
    take_bias<Bias::begins>(scores, bias_factor(), tile, bias_row, bias_half);
  };
  const auto add_bias = [&](u32 tile) {
    if (kBiasFirst) {
      take_bias<Bias::follows>(scores, bias_factor(), tile, bias_row, bias_half);
    } else {
      take_bias<Bias::scales>(scores, a.scale, tile, bias_row, bias_half);
    }
  };
  const auto issue_scores = [&](auto adds) {  // S = Q K^T, or S += Q K^T
    ptx::wgmma_fence();
    product<kElement, BLOCK_K, HEAD_DIM / 16, kRows * 128, BLOCK_K * 128, adds.value>(scores, q,
                                                                                      loads.k());
    ptx::wgmma_commit();
  };
  const auto issue_output = [&] {  // O += P V
    loads.wait_v();
    ptx::wgmma_fence();
    add_product<kElement, HEAD_DIM, BLOCK_K / 16>(output, weights, loads.v());
    ptx::wgmma_commit();
  };

  while (loads.next(a)) {
    if (kScalesQ) scale_q(shared + kTile.q_at() + group * 64 * 128, a.scale, group);
    const Unit unit = loads.unit(a);
    const int first_row = unit.first_row_of(group);
    const int row = first_row + warp * 16 + lane / 4;  // and row + 8
    const KeyBlocks of_unit = blocks_of_unit(a, unit);
    const KeyBlocks blocks =
        IS_CAUSAL || HAS_TAILS ? blocks_of_rows(a, unit, first_row, 64) : of_unit;
    int block = blocks.count - 1;

    const auto attend = [&](auto first, auto hides) {
      constexpr bool kBegins = kBiasFirst && !first.value && !hides.value;
      constexpr bool kFollows = HAS_BIAS && !kBegins;
      [[maybe_unused]] u32 bias = 0;
      if (kBiasFirst) bias = loads.wait_bias();
      if (kBegins) begin_with_bias(bias);
      loads.wait_k();
      turns.take();
      issue_scores(Bool<kBegins>{});
      if (OVERLAP && !first.value) issue_output();
      turns.pass();
      loads.bias_ahead();
      ptx::wgmma_wait<OVERLAP && !first.value ? 1 : 0>();
      constexpr bool kTrusts = TRUST && !first.value && !hides.value;
      if (kBiasBehind) bias = loads.wait_bias();
      if (kFollows && kTrusts) add_bias(bias);
      const bool is_right = kTrusts && softmax.exponentiate_on_trust(scores);
      if (kTrusts && !is_right) {
        if (kBegins) {
          begin_with_bias(bias);
        } else {
          clear(scores);
        }
        recompute_scores(scores, shared + kTile.q_at(), k_tile(shared, loads.k_turn.slot));
        ptx::pin<kTile.pin_at()>(sum_of(scores), shared);  // ldmatrix is done when all products are
        if (kFollows) add_bias(bias);
        __syncwarp();  // who has read K and Q by itself lets one lane release them
      }
      loads.release_k();
      if (block == 0) loads.release_q();
      if (kFollows && !kTrusts) add_bias(bias);
      if (hides.value) hide_unseen(a, scores, row, first_key(unit, block), lane);
      bool grew = false;
      if (!is_right) grew = softmax.template update<first.value>(scores, factor);
      if (HAS_BIAS) {  // ldmatrix is done when all scores have been looked at
        ptx::pin<kTile.pin_at()>(is_right ? softmax.sum[0] + softmax.sum[1] : softmax.largest,
                                 shared);
        loads.release_bias();
      }
      if (!is_right) softmax.exponentiate(scores);
      if (OVERLAP && !first.value) {
        ptx::pin<kTile.pin_at()>(softmax.sum[0] + softmax.sum[1],
                                 shared);  // else the wait moves up
        ptx::wgmma_wait<0>();
        loads.release_v();
      }
      pack_all<kElement>(scores, weights);
      if (grew) scale_rows(output, factor);
      if (!OVERLAP) {
        issue_output();
        ptx::wgmma_wait<0>();
        loads.release_v();
      }
    };

    clear(output);
    for (int hidden = of_unit.count; hidden > blocks.count; --hidden) {  // from this group's rows
      turns.take();
      turns.pass();
      loads.wait_k();
      loads.release_k();
      loads.wait_v();
      loads.release_v();
    }
    if (blocks.count == 0) {
      softmax.see_nothing();
      loads.release_q();
    } else {
      attend(True{}, Bool<kMayHide>{});
      --block;
      if (IS_CAUSAL) {
        for (; block >= blocks.whole; --block) attend(False{}, True{});
      }
#pragma unroll 1
      for (; block >= 0; --block) attend(False{}, False{});
      if (OVERLAP) {
        issue_output();
        ptx::wgmma_wait<0>();
        loads.release_v();
      }
    }
    softmax.finish();
    const Unit done = loads.unit(a);  // not kept in registers meanwhile
    if (!DEALS_LAST_ROUND || collect(a, done, group * 4 + warp, lane, output, softmax)) {
      store(a, done, done.first_row_of(group) + warp * 16 + lane / 4, lane, output, softmax);
    }
  }
}

#if TAKE_UNITS || DEALS_LAST_ROUND
extern "C" __global__ void forward_prepare(const __grid_constant__ AttentionArguments a) {
  for (int i = threadIdx.x; i < a.num_counters; i += blockDim.x) a.counters[i] = 0;
}
#endif
