// The computing warpgroups at head_dim 256, where one 64 x 256 sum takes half the registers: they
// share 64 keys and divide the work.
//
//   warpgroup 0: S = K Q^T -> P -> dV += P dO       hands P to the other through shared memory,
//   warpgroup 1: dP = V dO^T -> dS -> dK += dS Q    gets dS back the same way;
//   both: 128 columns each of dQ = dS^T K, warpgroup 0 a step late
//
// (S, P, dP, dS transposed: keys x queries.) Only sums cross the loop's edge in flight; what is
// read must not (C7514).
#pragma once

#include "kernel_kit/device/backward_consumer.cuh"

struct ByRoles {
  static constexpr int kTileUnits = kQueryTile / 16;  // a slot of Q or dO, as operands count
  float sum[128];                                     // dV or dK
  float dq[64];
  u32 packed[16];  // P or dS
  u32 ds_transposed, k_transposed;

  __device__ __forceinline__ explicit ByRoles(const Lane& lane)
      : ds_transposed(ptx::operand(lane.shared + kTile.grad_scores_offset())),
        k_transposed(
            ptx::operand(lane.shared + kTile.k_offset() + lane.group * 2 * kKeyPage, kKeyPage)) {
#pragma unroll
    for (int i = 0; i < 128; ++i) ptx::zero(sum[i]);
  }
  __device__ __forceinline__ void start_dq(int slot) {
    ptx::wgmma_fence();
    product<kElement, 128, 4, 0, 0>(dq, ds_transposed + slot * (kScoresBytes / 16), k_transposed);
    ptx::wgmma_commit();
  }
  __device__ __forceinline__ void start_sum(u32 operand) {
    ptx::wgmma_fence();
    add_product<kElement, 256, 4>(sum, packed, operand);
    ptx::wgmma_commit();
  }
};

// P as registers of its warp, side by side: lanes of equal number in both warpgroups hold the same
// elements.
DEVICE u32 p_place(const Lane& lane, int slot) {
  return lane.shared + kTile.p_offset() + slot * kScoresBytes + (lane.warp * 32 + lane.lane) * 16;
}

template <typename Access>
DEVICE void compute_grad_v(const AttentionArguments& a, const BackwardWork& work,
                           const BackwardBarriers& barriers, const Access& access,
                           const Lane& lane, ByRoles& state) {
  float s[32];
  const u32 k = ptx::operand(lane.shared + kTile.k_offset());
  const u32 q = ptx::operand(lane.shared + kTile.q_offset());
  const u32 grad_o_transposed = ptx::operand(lane.shared + kTile.grad_o_offset(), kQueryPage);
  const float factor = score_factor(a);
  const Visibility visibility(work, 0, lane);
  GradQ<64> grad_q(a, work);
  QueryWalk of_p(work), of_dq(work);
  auto q_turn = Turn<NUM_STAGES>::begin(Side::consumer);
  auto grad_o_turn = Turn<GRAD_O_STAGES>::begin(Side::consumer);
  auto p_turn = Turn<GRAD_SCORES_STAGES>::begin(Side::producer);
  auto ds_turn = Turn<GRAD_SCORES_STAGES>::begin(Side::consumer);

  auto compute_p = [&] {  // Q has been awaited
    ptx::wgmma_fence();
    product<kElement, 64, 16, kKeyPage, kQueryPage>(s, k, q + q_turn.slot * ByRoles::kTileUnits);
    ptx::wgmma_commit();
    const u32 scaled_lse = lane.shared + kTile.scaled_lse_offset() + q_turn.slot * kStatistics;
    float4 ahead[4];
    static_for<4>([&](auto part) {
      ahead[decltype(part)::value] = lane.statistics<decltype(part)::value>(scaled_lse);
    });
    ptx::wgmma_wait<0>();
    ptx::settle(s);
    static_for<4>([&](auto part) {
      constexpr int i = decltype(part)::value;
      u32 bias[4];
      if constexpr (HAS_BIAS) {
        ptx::ldmatrix_transposed<i * 2048>(
            lane.shared + kTile.bias_offset() + q_turn.slot * kScoresBytes + lane.bias_row(), bias);
      }
      make_p(s + 8 * i, factor, ahead[i], bias, state.packed + 4 * i);
    });
    visibility.hide(a, lane, of_p.block, state.packed);
    barriers.p().wait_empty(p_turn);
    static_for<4>([&](auto part) {
      constexpr int i = decltype(part)::value;
      ptx::store_shared_u4<i * 2048>(p_place(lane, p_turn.slot), state.packed[4 * i],
                                     state.packed[4 * i + 1], state.packed[4 * i + 2],
                                     state.packed[4 * i + 3]);
    });
    lane.arrive(barriers.p().full(p_turn.slot));
    access.release(lane, barriers.q().empty(q_turn.slot));
    q_turn.advance();
    p_turn.advance();
    if (IS_CAUSAL) of_p.advance();
  };
  auto start_dv = [&] {
    access.wait_full(barriers.grad_o().full(grad_o_turn.slot), grad_o_turn.parity);
    state.start_sum(grad_o_transposed + grad_o_turn.slot * ByRoles::kTileUnits);
  };
  auto finish_dv = [&] {
    ptx::wgmma_wait<0>();
    ptx::settle(state.sum);
    access.release(lane, barriers.grad_o().empty(grad_o_turn.slot));
    grad_o_turn.advance();
  };

  access.wait_full(barriers.q().full(0), 0);
  compute_p();
  start_dv();
  finish_dv();
  if (work.steps > 1) access.wait_full(barriers.q().full(q_turn.slot), q_turn.parity);
  for (int step = 1; step < work.steps; ++step) {
    compute_p();
    barriers.grad_scores().wait_full(ds_turn);
    state.start_dq(ds_turn.slot);
    start_dv();
    ptx::wgmma_wait<1>();
    ptx::settle(state.dq);
    lane.arrive(barriers.grad_scores().empty(ds_turn.slot));
    ds_turn.advance();
    if (step + 1 < work.steps) access.wait_full(barriers.q().full(q_turn.slot), q_turn.parity);
    grad_q.add(state.dq, lane);
    grad_q.tile += IS_CAUSAL ? of_dq.advance() : 1;
    finish_dv();
  }
  barriers.grad_scores().wait_full(ds_turn);
  state.start_dq(ds_turn.slot);
  ptx::wgmma_wait<0>();
  ptx::settle(state.dq);
  ptx::settle(state.sum);
  grad_q.add(state.dq, lane);
}

template <typename Access>
DEVICE void compute_grad_k(const AttentionArguments& a, const BackwardWork& work,
                           const BackwardBarriers& barriers, const Access& access,
                           const Lane& lane, ByRoles& state) {
  float dp[32];
  const u32 v = ptx::operand(lane.shared + kTile.v_offset());
  const u32 grad_o = ptx::operand(lane.shared + kTile.grad_o_offset());
  const u32 q_transposed = ptx::operand(lane.shared + kTile.q_offset(), kQueryPage);
  const u32 ds_row = lane.shared + kTile.grad_scores_offset() + lane.store_row();
  GradQ<64> grad_q(a, work);
  QueryWalk of_dq(work);
  auto q_turn = Turn<NUM_STAGES>::begin(Side::consumer);
  auto grad_o_turn = Turn<GRAD_O_STAGES>::begin(Side::consumer);
  auto p_turn = Turn<GRAD_SCORES_STAGES>::begin(Side::consumer);

  access.wait_full(barriers.grad_o().full(0), 0);
  for (int step = 0; step < work.steps; ++step) {  // dO has been awaited
    ptx::wgmma_fence();
    product<kElement, 64, 16, kKeyPage, kQueryPage>(
        dp, v, grad_o + grad_o_turn.slot * ByRoles::kTileUnits);
    ptx::wgmma_commit();
    const u32 delta = lane.shared + kTile.delta_offset() + grad_o_turn.slot * kStatistics;
    float4 ahead[4];
    static_for<4>([&](auto part) {
      ahead[decltype(part)::value] = lane.statistics<decltype(part)::value>(delta);
    });
    barriers.p().wait_full(p_turn);
    static_for<4>([&](auto part) {
      constexpr int i = decltype(part)::value;
      ptx::load_shared_u4<i * 2048>(p_place(lane, p_turn.slot), state.packed + 4 * i);
    });
    // The loads must have come back before others may overwrite P.
    u32 all = state.packed[15];
#pragma unroll
    for (int i = 0; i < 14; i += 2) all = ptx::or3(all, state.packed[i], state.packed[i + 1]);
    ptx::pin_bits(all | state.packed[14], lane.shared);
    lane.arrive(barriers.p().empty(p_turn.slot));
    ptx::wgmma_wait<0>();
    ptx::settle(dp);
    static_for<4>([&](auto part) {
      constexpr int i = decltype(part)::value;
      make_grad_scores(state.packed + 4 * i, dp + 8 * i, ahead[i], state.packed + 4 * i);
    });
    // dS has as many slots as P, filled and freed in the same turns.
    ptx::mbarrier_wait(barriers.grad_scores().empty(p_turn.slot), p_turn.parity ^ 1);
    static_for<4>([&](auto part) {
      constexpr int i = decltype(part)::value;
      ptx::stmatrix<0>((ds_row + p_turn.slot * kScoresBytes) ^ (i << 5), state.packed[4 * i],
                       state.packed[4 * i + 1], state.packed[4 * i + 2], state.packed[4 * i + 3]);
    });
    ptx::fence_async_proxy();
    lane.arrive(barriers.grad_scores().full(p_turn.slot));
    access.release(lane, barriers.grad_o().empty(grad_o_turn.slot));
    barriers.grad_scores().wait_full(p_turn);
    state.start_dq(p_turn.slot);
    access.wait_full(barriers.q().full(q_turn.slot), q_turn.parity);
    state.start_sum(q_transposed + q_turn.slot * ByRoles::kTileUnits);
    ptx::wgmma_wait<1>();
    ptx::settle(state.dq);
    lane.arrive(barriers.grad_scores().empty(p_turn.slot));
    p_turn.advance();
    grad_o_turn.advance();
    if (step + 1 < work.steps) {
      access.wait_full(barriers.grad_o().full(grad_o_turn.slot), grad_o_turn.parity);
    }
    grad_q.add(state.dq, lane);
    grad_q.tile += IS_CAUSAL ? of_dq.advance() : 1;
    ptx::wgmma_wait<0>();
    ptx::settle(state.sum);
    access.release(lane, barriers.q().empty(q_turn.slot));
    q_turn.advance();
  }
  ptx::wgmma_wait<0>();
  ptx::settle(state.sum);
}

template <typename Access>
DEVICE void backward_by_roles(const AttentionArguments& a, const BackwardWork& work,
                              const BackwardBarriers& barriers, const Access& access,
                              const Lane& lane) {
  access.wait_full(barriers.keys(), 0);
  ByRoles state(lane);
  const bool has_v = lane.group == 0;
  if (has_v)
    compute_grad_v(a, work, barriers, access, lane, state);
  else
    compute_grad_k(a, work, barriers, access, lane, state);

  const KeyPlace place = KeyPlace::recall(lane.shared);
  if (place.dealt >= 0) {
    float* const sums = has_v ? a.grad_v_sum : a.grad_k_sum;
    return add_gradient<64>(state.sum, sums, place.dealt, 0, lane);
  }
  ptx::barrier_sync<kKeysFree, 256>();
  const int offset = has_v ? kTile.v_offset() : kTile.k_offset();
  stage_gradient(state.sum, has_v ? 1.0f : a.scale, lane.shared + offset, lane);
  access.store_gradients(place, lane, 0);
}
