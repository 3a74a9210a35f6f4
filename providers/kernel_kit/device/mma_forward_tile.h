// What a block of the portable forward kernel (mma_forward.cuh) is made of. Read by the host and by
// NVRTC. In shared memory, one behind the other: Q, kStages times K, kStages times V, kStages times
// the bias.
#pragma once

struct MmaForwardTile {
  int block_q, block_k, head_dim, num_warps, num_stages;
  bool has_bias;

  constexpr int threads() const { return 32 * num_warps; }
  constexpr int rows_per_warp() const { return block_q / num_warps; }
  constexpr int q_bytes() const { return block_q * head_dim * 2; }
  constexpr int key_bytes() const { return block_k * head_dim * 2; }
  constexpr int bias_bytes() const { return has_bias ? block_q * block_k * 2 : 0; }
  constexpr int k_offset() const { return q_bytes(); }
  constexpr int v_offset() const { return k_offset() + num_stages * key_bytes(); }
  constexpr int bias_offset() const { return v_offset() + num_stages * key_bytes(); }
  constexpr int shared_bytes() const { return bias_offset() + num_stages * bias_bytes(); }

  // fp32 sums that a thread holds all the time: of S and of O.
  constexpr int sums_per_thread() const { return block_q * (block_k + head_dim) / threads(); }

  // Q in registers, where there is room: a fifth less is read from shared memory.
  constexpr bool holds_q() const { return head_dim == 64 && rows_per_warp() == 32; }

  constexpr int kept_per_thread() const { return sums_per_thread() + (holds_q() ? 32 : 0); }

  // Blocks that are to share a multiprocessor: as many as leave each thread registers for its sums,
  // operands and addresses. Left alone, ptxas takes a few more and halves the number. Each of the
  // four parts of a multiprocessor has 512 registers for a lane of all its warps.
  constexpr int blocks_per_multiprocessor() const {
    const int wanted = kept_per_thread() + (has_bias ? 76 : 62);
    const int blocks = 512 / wanted * 4 / num_warps;
    return blocks > 1 ? blocks : 1;
  }
};
