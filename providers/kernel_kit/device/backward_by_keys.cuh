// The computing warpgroups at head_dim 64 and 128: each has 64 keys and keeps their dK and dV in
// registers. A step is one tile of queries:
//
//   S = K Q^T,  dP = V dO^T             (transposed: keys x queries)
//   P = exp2(S - LSE),  dV += P dO
//   dS = P (dP - delta),  dK += dS Q    dS goes to shared memory too:
//   dQ = dS^T K                         needs dS of both warpgroups, each computes half of it
//
// What makes it fast: issuing a product blocks the warp while the tensor core's short queue is
// full, so a warpgroup cannot hide its exponentials behind its own products; the other one must do
// that. So the two run decoupled, half a step apart: dQ comes one step late, dS changes hands
// through mbarriers, nothing else joins them.
//
// What keeps ptxas from serialising the products (C7514, C7515): nothing that is read crosses the
// loop's edge in flight, no product is conditional. The first dQ is of garbage and not stored.
#pragma once

#include "kernel_kit/device/backward_consumer.cuh"

// Statistics of so many times 16 queries are loaded ahead of waits and reductions.
constexpr int kPreloads = HEAD_DIM == 128 ? 4 : 2;
// S of the next step only when dK is done: at head_dim 64 the registers of dS must become free.
constexpr bool kScoresLate = HEAD_DIM == 64;
constexpr int kParts = kBlockQ / 16;

template <typename Access>
DEVICE void backward_by_keys(const AttentionArguments& a, const BackwardWork& work,
                             const BackwardBarriers& barriers, const Access& access,
                             const Lane& lane) {
  const u32 shared = lane.shared;
  float dq[32], s[kBlockQ / 2], dp[kBlockQ / 2], dv[HEAD_DIM / 2], dk[HEAD_DIM / 2];
  u32 p[kBlockQ / 4], ds[kBlockQ / 4];
#pragma unroll
  for (int i = 0; i < HEAD_DIM / 2; ++i) {
    ptx::zero(dv[i]);
    ptx::zero(dk[i]);
  }
#pragma unroll
  for (int i = 0; i < 32; ++i) ptx::zero(dq[i]);

  // Operands: own rows of K and V; Q and dO as they lie and transposed; dS and K for dQ, of which
  // a warpgroup computes 64 columns or, at head_dim 64, 64 rows.
  constexpr bool kHalfOfRows = HEAD_DIM == 64;
  const u32 k = ptx::operand(shared + kTile.k_offset() + lane.group * 8192);
  const u32 v = ptx::operand(shared + kTile.v_offset() + lane.group * 8192);
  const u32 q = ptx::operand(shared + kTile.q_offset());
  const u32 grad_o = ptx::operand(shared + kTile.grad_o_offset());
  const u32 q_transposed = ptx::operand(shared + kTile.q_offset(), kQueryPage);
  const u32 grad_o_transposed = ptx::operand(shared + kTile.grad_o_offset(), kQueryPage);
  const u32 ds_transposed =
      ptx::operand(shared + kTile.grad_scores_offset() + (kHalfOfRows ? lane.group * kKeyPage : 0));
  const u32 k_transposed =
      ptx::operand(shared + kTile.k_offset() + (kHalfOfRows ? 0 : lane.group * kKeyPage));
  const u32 ds_row = shared + kTile.grad_scores_offset() + lane.group * 8192 + lane.store_row();
  const float factor = score_factor(a);
  const Visibility visibility(work, lane.group * 64, lane);
  GradQ<32> grad_q(a, work);

  auto start_s = [&](int slot) {
    ptx::wgmma_fence();
    product<kElement, kBlockQ, HEAD_DIM / 16, kKeyPage, kQueryPage>(s, k,
                                                                    q + slot * (kQueryTile / 16));
    ptx::wgmma_commit();
  };
  auto start_dp = [&](int slot) {
    ptx::wgmma_fence();
    product<kElement, kBlockQ, HEAD_DIM / 16, kKeyPage, kQueryPage>(
        dp, v, grad_o + slot * (kQueryTile / 16));
    ptx::wgmma_commit();
  };
  auto start_dv = [&](int slot) {
    ptx::wgmma_fence();
    add_product<kElement, HEAD_DIM, kParts>(dv, p, grad_o_transposed + slot * (kQueryTile / 16));
    ptx::wgmma_commit();
  };
  auto start_dk = [&](int slot) {
    ptx::wgmma_fence();
    add_product<kElement, HEAD_DIM, kParts>(dk, ds, q_transposed + slot * (kQueryTile / 16));
    ptx::wgmma_commit();
  };
  auto start_dq = [&](int slot) {
    ptx::wgmma_fence();
    product<kElement, 64, kBlockK / 16, 0, 0>(dq, ds_transposed + slot * (kScoresBytes / 16),
                                              k_transposed);
    ptx::wgmma_commit();
  };

  float4 ahead[kPreloads];
  auto preload = [&](u32 tile) {
    static_for<kPreloads>([&](auto index) {
      ahead[decltype(index)::value] = lane.statistics<decltype(index)::value>(tile);
    });
  };
  auto scaled_lse = [&](int slot) {
    return shared + kTile.scaled_lse_offset() + slot * kStatistics;
  };
  auto delta = [&](int slot) { return shared + kTile.delta_offset() + slot * kStatistics; };
  auto statistics = [&](auto part, u32 tile) {
    constexpr int i = decltype(part)::value;
    if constexpr (i < kPreloads)
      return ahead[i];
    else
      return lane.statistics<i>(tile);
  };
  auto finish_p = [&](int slot, int query_block) {
    static_for<kParts>([&](auto part) {
      constexpr int i = decltype(part)::value;
      u32 bias[4];
      if constexpr (HAS_BIAS) {
        ptx::ldmatrix_transposed<i * 2048>(shared + kTile.bias_offset() + slot * kScoresBytes +
                                               lane.group * kQueryPage + lane.bias_row(),
                                           bias);
      }
      make_p(s + 8 * i, factor, statistics(part, scaled_lse(slot)), bias, p + 4 * i);
    });
    visibility.hide(a, lane, query_block, p);
  };
  // Leaves dS in registers and in slot `to`. dV is drained here: its operand P would otherwise stay
  // in registers beside dS.
  auto finish_ds = [&](int slot, int to) {
    static_for<kParts>([&](auto part) {
      constexpr int i = decltype(part)::value;
      make_grad_scores(p + 4 * i, dp + 8 * i, statistics(part, delta(slot)), ds + 4 * i);
      ptx::stmatrix<i / 4 * kKeyPage>((ds_row + to * kScoresBytes) ^ ((i & 3) << 5), ds[4 * i],
                                      ds[4 * i + 1], ds[4 * i + 2], ds[4 * i + 3]);
    });
    ptx::fence_async_proxy();
    ptx::wgmma_wait<0>();
    ptx::settle(dv);
    lane.arrive(barriers.grad_scores().full(to));
  };

  QueryWalk of_p(work), of_dq(work);
  auto q_turn = Turn<NUM_STAGES>::begin(Side::consumer);  // of the tile that S is computed from
  auto grad_o_turn = Turn<GRAD_O_STAGES>::begin(Side::consumer);
  auto ds_written = Turn<GRAD_SCORES_STAGES>::begin(Side::producer);
  // With two slots, dS of two steps ago lies where the next one goes, and has the same parity to
  // wait for: one turn serves both, and spares registers.
  constexpr bool kOneTurn = GRAD_SCORES_STAGES == 2;
  auto ds_own_turn = Turn<GRAD_SCORES_STAGES>::begin(Side::consumer);
  auto& ds_read = kOneTurn ? ds_written : ds_own_turn;

  // Step 0 up to its dS.
  access.wait_full(barriers.keys(), 0);
  access.wait_full(barriers.q().full(0), 0);
  preload(scaled_lse(0));
  if (lane.group == 1) ptx::barrier_sync<kHeadStart, 256>();
  start_s(0);
  access.wait_full(barriers.grad_o().full(0), 0);
  start_dp(0);
  ptx::wgmma_wait<1>();
  ptx::settle(s);
  finish_p(0, of_p.block);
  start_dv(0);
  if (lane.group == 0) ptx::barrier_arrive<kHeadStart, 256>();
  preload(delta(0));
  ptx::wgmma_wait<1>();
  ptx::settle(dp);
  finish_ds(0, 0);

  bool owes_dq = false;  // of the step before the last
  for (int left = work.steps - 1; left > 0; --left) {
    // Here dS of the last step is done, its dK and dQ are not.
    const int q_before = q_turn.slot;
    access.release(lane, barriers.grad_o().empty(grad_o_turn.slot));
    q_turn.advance();
    grad_o_turn.advance();
    ds_written.advance();
    if (IS_CAUSAL) of_p.advance();

    if (owes_dq) ptx::mbarrier_wait(barriers.grad_scores().full(ds_read.slot), ds_read.parity);
    start_dq(ds_read.slot);
    start_dk(q_before);
    access.wait_full(barriers.q().full(q_turn.slot), q_turn.parity);
    if (!kScoresLate) start_s(q_turn.slot);
    preload(scaled_lse(q_turn.slot));
    access.wait_full(barriers.grad_o().full(grad_o_turn.slot), grad_o_turn.parity);
    ptx::wgmma_wait<kScoresLate ? 1 : 2>();
    ptx::settle(dq);
    if (owes_dq) {
      lane.arrive(barriers.grad_scores().empty(ds_read.slot));
      grad_q.add(dq, lane);
      grad_q.tile += IS_CAUSAL ? of_dq.advance() : 1;
      if (!kOneTurn) ds_read.advance();
    }
    if (kScoresLate) {
      ptx::wgmma_wait<0>();
      ptx::settle(dk);
      access.release(lane, barriers.q().empty(q_before));
      start_s(q_turn.slot);
    }
    start_dp(grad_o_turn.slot);
    ptx::wgmma_wait<1>();
    ptx::settle(s);
    ptx::settle(dk);
    if (!kScoresLate) access.release(lane, barriers.q().empty(q_before));

    finish_p(q_turn.slot, of_p.block);
    start_dv(grad_o_turn.slot);
    preload(delta(grad_o_turn.slot));
    ptx::mbarrier_wait(barriers.grad_scores().empty(ds_written.slot), ds_written.parity);
    ptx::wgmma_wait<1>();
    ptx::settle(dp);
    finish_ds(grad_o_turn.slot, ds_written.slot);
    owes_dq = true;
  }

  // dK of the last step, dQ of the last two.
  if (kOneTurn) ds_read.advance();
  if (owes_dq) ptx::mbarrier_wait(barriers.grad_scores().full(ds_read.slot), ds_read.parity);
  start_dq(ds_read.slot);
  start_dk(q_turn.slot);
  ptx::wgmma_wait<1>();
  ptx::settle(dq);
  if (owes_dq) {
    grad_q.add(dq, lane);
    grad_q.tile += IS_CAUSAL ? of_dq.advance() : 1;
  }
  if (kOneTurn || owes_dq) ds_read.advance();
  ptx::mbarrier_wait(barriers.grad_scores().full(ds_read.slot), ds_read.parity);
  start_dq(ds_read.slot);
  ptx::wgmma_wait<0>();
  ptx::settle(dq);
  grad_q.add(dq, lane);
  ptx::settle(dk);
  ptx::settle(dv);

  const KeyPlace place = KeyPlace::recall(shared);
  if (place.dealt >= 0) {
    add_gradient<HEAD_DIM / 2>(dv, a.grad_v_sum, place.dealt, lane.group, lane);
    add_gradient<HEAD_DIM / 2>(dk, a.grad_k_sum, place.dealt, lane.group, lane);
    if (GRAD_Q_IN_BULK) ptx::bulk_wait<0>();
    return;
  }
  // Own rows of V are free; those of K when both warpgroups are done with dQ.
  stage_gradient(dv, 1.0f, shared + kTile.v_offset() + lane.group * 8192, lane);
  ptx::barrier_sync<kKeysFree, 256>();
  stage_gradient(dk, a.scale, shared + kTile.k_offset() + lane.group * 8192, lane);
  access.store_gradients(place, lane, lane.group * 64);
}
