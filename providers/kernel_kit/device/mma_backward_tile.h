// What a block of the portable backward kernels (mma_backward*.cuh) is made of. Read by the host
// and by NVRTC. In shared memory of `backward`, one behind the other: K, V, num_stages times Q,
// num_stages times dO, P, dS, and num_stages times the bias; with one stage the bias lies where dS
// comes to lie, each of whose elements replaces the bias that it was made of.
#pragma once

// How the warps divide a result of rows x columns among them.
struct WarpGrid {
  int rows, columns;  // of warps

  // As square as 16-column blocks and a few rows of statistics per thread allow.
  static constexpr WarpGrid of(int num_warps, int rows, int columns) {
    int down = rows >= 128 && num_warps > 4 ? 4 : 2;
    while (columns / (num_warps / down) < 16) down *= 2;
    return {down, num_warps / down};
  }
};

struct MmaBackwardTile {
  int block_q, block_k, head_dim, num_warps, num_stages;
  bool has_bias;

  static constexpr int kMostQuerySums = 64;  // of dQ, per thread: more are computed in turns

  constexpr int threads() const { return 32 * num_warps; }
  constexpr int row_bytes() const { return block_q * head_dim * 2; }
  constexpr int key_bytes() const { return block_k * head_dim * 2; }
  constexpr int score_bytes() const { return block_q * block_k * 2; }
  constexpr int v_offset() const { return key_bytes(); }
  constexpr int q_offset() const { return 2 * key_bytes(); }
  constexpr int grad_o_offset() const { return q_offset() + num_stages * row_bytes(); }
  constexpr int weights_offset() const { return grad_o_offset() + num_stages * row_bytes(); }
  constexpr int grad_scores_offset() const { return weights_offset() + score_bytes(); }
  constexpr int bias_offset() const {
    return grad_scores_offset() + (num_stages > 1 ? score_bytes() : 0);
  }
  constexpr int shared_bytes() const {
    const bool has_own_bias = has_bias && num_stages > 1;
    return grad_scores_offset() + score_bytes() + (has_own_bias ? num_stages * score_bytes() : 0);
  }

  // fp32 sums per thread: of dK and dV all the time; of S and dP, then of a turn of dQ.
  constexpr int key_sums() const { return 2 * block_k * head_dim / threads(); }
  constexpr int score_sums() const { return block_q * block_k / threads(); }
  constexpr int query_turns() const {
    const int sums = block_q * head_dim / threads();
    return sums > kMostQuerySums ? sums / kMostQuerySums : 1;
  }
  constexpr int query_columns() const { return head_dim / query_turns(); }
  constexpr int query_sums() const { return block_q * query_columns() / threads(); }
  // P waits for dP in 16 bits where both in fp32 would not fit.
  constexpr bool rounds_weights_early() const { return key_sums() + 2 * score_sums() > 200; }
  constexpr int sums_per_thread() const {
    const int scores = rounds_weights_early() ? score_sums() * 3 / 2 : 2 * score_sums();
    return key_sums() + (scores > query_sums() ? scores : query_sums());
  }

  constexpr int row_tiles(int seqlen_q) const { return (seqlen_q + block_q - 1) / block_q; }
  constexpr int padded_rows(int seqlen_q) const { return row_tiles(seqlen_q) * block_q; }

  // `backward_finish` where bits must not depend on the order of additions: dQ by a walk over the
  // keys. In shared memory Q, dO, K, V, bias; one stage, so that two blocks fit a multiprocessor.
  constexpr int walk_warps() const { return block_q / 16; }
  constexpr int walk_bytes() const {
    return 2 * row_bytes() + 2 * key_bytes() + (has_bias ? score_bytes() : 0);
  }
};

// `backward_prepare`: threads that share a row, rows of a block.
struct MmaPrepareTile {
  static constexpr int kThreads = 256, kLanesPerRow = 8, kRows = kThreads / kLanesPerRow;
};
