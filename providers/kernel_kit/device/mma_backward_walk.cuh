// dQ without atomic additions: a block takes a tile of rows and walks over the keys, as the forward
// kernel does. It computes S and dP once more: seven products instead of five, but equal inputs
// give equal bits, and no fp32 workspace is needed. A part of mma_backward_rows.cuh.
#pragma once

constexpr int kWalkThreads = 32 * kTile.walk_warps();

extern "C" __global__ void __launch_bounds__(kWalkThreads)
    backward_finish(const __grid_constant__ AttentionArguments a) {
  using WalkRows = TileAccess<BLOCK_Q, HEAD_DIM, kWalkThreads, HAS_TAILS>;
  using WalkKeys = TileAccess<BLOCK_K, HEAD_DIM, kWalkThreads, HAS_TAILS>;
  using WalkBias = TileAccess<BLOCK_Q, BLOCK_K, kWalkThreads, HAS_TAILS, true>;
  extern __shared__ __align__(1024) unsigned char shared[];
  const u32 q_tile = ptx::shared_address(shared);
  const u32 grad_o_tile = q_tile + kTile.row_bytes();
  const u32 k_tile = grad_o_tile + kTile.row_bytes();
  const u32 v_tile = k_tile + kTile.key_bytes();
  const u32 bias_tile = v_tile + kTile.key_bytes();

  const int row_tiles = kTile.row_tiles(a.seqlen_q);
  const BlockPlace place = block_place(
      row_tiles, a.heads, heads_side_by_side(a.heads, HAS_BIAS && a.bias.head_stride == 0, 8));
  const int row_tile = IS_CAUSAL ? row_tiles - 1 - place.tile : place.tile;
  const int first_row = row_tile * BLOCK_Q;
  const int kv_head = place.head / (a.heads / a.kv_heads);
  const int last_row = min(first_row + BLOCK_Q, a.seqlen_q) - 1;
  const int keys = IS_CAUSAL ? min(a.seqlen_kv, last_row + a.diagonal + 1) : a.seqlen_kv;

  WalkRows(a.q, place.batch, place.head, a.seqlen_q, a.head_dim, first_row, 0).load(q_tile);
  WalkRows(a.grad_o, place.batch, place.head, a.seqlen_q, a.head_dim, first_row, 0)
      .load(grad_o_tile);
  WalkKeys k(a.k, place.batch, kv_head, a.seqlen_kv, a.head_dim, 0, 0);
  WalkKeys v(a.v, place.batch, kv_head, a.seqlen_kv, a.head_dim, 0, 0);
  WalkBias bias(a.bias, place.batch, place.head, a.seqlen_q, a.seqlen_kv, first_row, 0);

  auto load_keys = [&] {
    k.load(k_tile);
    k.advance(BLOCK_K, 0);
    v.load(v_tile);
    v.advance(BLOCK_K, 0);
    if (HAS_BIAS) {
      bias.load(bias_tile);
      bias.advance(0, BLOCK_K);
    }
  };
  if (keys > 0) load_keys();
  ptx::copy_commit();

  const int warp_row = warp_id() * 16;
  const long long statistics =
      (static_cast<long long>(place.batch) * a.heads + place.head) * kTile.padded_rows(a.seqlen_q) +
      first_row + warp_row + lane_id() / 4;
  const float lse[2] = {a.scaled_lse[statistics], a.scaled_lse[statistics + 8]};
  const float delta[2] = {a.delta[statistics], a.delta[statistics + 8]};
  const Exponent exponent{a.scale * kLog2E};
  const TileView<HEAD_DIM> q_rows = TileView<HEAD_DIM>::make(q_tile, warp_row, 0);
  const TileView<HEAD_DIM> grad_o_rows = TileView<HEAD_DIM>::make(grad_o_tile, warp_row, 0);

  Sums<1, HEAD_DIM / 16> grad_q;
  grad_q.fill(0.f);
  for (int key = 0; key < keys; key += BLOCK_K) {
    ptx::copy_wait<0>();
    __syncthreads();

    Sums<1, BLOCK_K / 16> scores, grads;
    scores.fill(0.f);
    add_product_abt<HEAD_DIM>(scores, q_rows, TileView<HEAD_DIM>::make(k_tile, 0, 0));
    if (HAS_BIAS) {
      scale_and_add_bias(scores, a.scale, TileView<BLOCK_K>::make(bias_tile, warp_row, 0));
    }
    hide_scores(scores, first_row + warp_row, key, a.seqlen_kv, a.diagonal);
#pragma unroll
    for (int n = 0; n < BLOCK_K / 16; ++n) {
#pragma unroll
      for (int i = 0; i < 8; ++i) grads.block[0][n][i] = -delta[row_half(i) / 8];
    }
    add_product_abt<HEAD_DIM>(grads, grad_o_rows, TileView<HEAD_DIM>::make(v_tile, 0, 0));
#pragma unroll
    for (int n = 0; n < BLOCK_K / 16; ++n) {
#pragma unroll
      for (int i = 0; i < 8; ++i) {
        grads.block[0][n][i] *= exponent.weight(scores.block[0][n][i], lse[row_half(i) / 8]);
      }
    }
    add_product_registers(grad_q, grads, TileView<HEAD_DIM>::make(k_tile, 0, 0));
    __syncthreads();  // nobody reads K, V or the bias any more
    if (key + BLOCK_K < keys) load_keys();
    ptx::copy_commit();
  }

  ptx::copy_wait<0>();
  __syncthreads();
  round_to_tile<HEAD_DIM>(grad_q, q_tile, warp_row, 0, [&](int, int) { return a.scale; });
  __syncthreads();
  WalkRows(a.grad_q, place.batch, place.head, a.seqlen_q, a.head_dim, first_row, 0).store(q_tile);
}
