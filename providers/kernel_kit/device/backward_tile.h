// What a block of the Hopper backward kernels is made of, and where its parts lie in shared memory.
// Read by the host and by NVRTC: neither can disagree with the other.
//
// A block owns block_k keys and walks through the queries, block_q at a time. Three warpgroups: one
// loads, two compute.
#pragma once

struct BackwardTile {
  int head_dim;  // 64, 128, 256
  bool has_bias;
  int q_slots;               // of Q, with its scaled LSE and the bias
  int grad_o_slots;          // of dO, with its delta
  int grad_scores_slots;     // of dS; at head_dim 256 also of P
  bool adds_grad_q_in_bulk;  // through shared memory, else from registers

  // What fits: at 64 and 128 each warpgroup keeps dK and dV of 64 keys in registers, 2 x head_dim /
  // 2 a thread. At 256 that would be all of them: there one warpgroup keeps dV, the other dK.
  constexpr int block_q() const { return head_dim == 64 ? 128 : 64; }
  constexpr int block_k() const { return head_dim == 256 ? 64 : 128; }
  constexpr int threads() const { return 384; }
  constexpr bool splits_by_role() const { return head_dim == 256; }

  // Tiles lie in pages of 64 columns, rows of 128 bytes.
  constexpr int pages() const { return head_dim / 64; }
  constexpr int key_page_bytes() const { return block_k() * 128; }
  constexpr int query_page_bytes() const { return block_q() * 128; }
  constexpr int key_tile_bytes() const { return pages() * key_page_bytes(); }
  constexpr int query_tile_bytes() const { return pages() * query_page_bytes(); }
  // What one TMA load of Q or dO brings, where `sharers` blocks load a tile together.
  constexpr int query_box_rows(int sharers) const {
    return pages() % sharers == 0 ? block_q() : block_q() / sharers;
  }
  constexpr int scores_bytes() const { return block_q() * block_k() * 2; }
  constexpr int statistics_bytes() const { return block_q() * 4; }
  constexpr int bias_bytes() const { return has_bias ? scores_bytes() : 0; }

  constexpr int k_offset() const { return 0; }
  constexpr int v_offset() const { return k_offset() + key_tile_bytes(); }
  constexpr int q_offset() const { return v_offset() + key_tile_bytes(); }
  constexpr int grad_o_offset() const { return q_offset() + q_slots * query_tile_bytes(); }
  constexpr int grad_scores_offset() const {
    return grad_o_offset() + grad_o_slots * query_tile_bytes();
  }
  constexpr int p_offset() const {
    return grad_scores_offset() + grad_scores_slots * scores_bytes();
  }
  constexpr int bias_offset() const {
    return p_offset() + (splits_by_role() ? grad_scores_slots * scores_bytes() : 0);
  }
  constexpr int grad_q_offset() const { return bias_offset() + q_slots * bias_bytes(); }
  constexpr int scaled_lse_offset() const {
    return grad_q_offset() + (adds_grad_q_in_bulk ? block_q() * head_dim * 4 : 0);
  }
  constexpr int delta_offset() const { return scaled_lse_offset() + q_slots * statistics_bytes(); }
  constexpr int place_offset() const {  // of a KeyPlace
    return delta_offset() + grad_o_slots * statistics_bytes();
  }
  constexpr int barriers_offset() const { return place_offset() + 16; }
  // K and V share one barrier; each slot of Q, dO, dS, P has two.
  constexpr int barriers_bytes() const {
    return 8 + 16 * (q_slots + grad_o_slots + 2 * grad_scores_slots);
  }
  constexpr int shared_bytes() const { return barriers_offset() + barriers_bytes(); }

  // The workspace is padded to whole tiles of queries, so that no kernel needs a bound.
  constexpr int query_blocks(int seqlen_q) const { return (seqlen_q + block_q() - 1) / block_q(); }
  constexpr int key_blocks(int seqlen_kv) const { return (seqlen_kv + block_k() - 1) / block_k(); }
  constexpr int padded_queries(int seqlen_q) const { return query_blocks(seqlen_q) * block_q(); }
};

// A GPU runs as many of these blocks at a time as it has multiprocessors. Where the last such wave
// would be short, the queries of each of its blocks are dealt out among several, which add up their
// dK and dV in fp32: of 4096 blocks on 132 multiprocessors the last 4 would have the GPU to
// themselves, for 3 % of the time.
struct LastWave {
  int whole;  // blocks before it, which see all of their queries
  int dealt;  // blocks in it,
  int parts;  // each among so many

  static constexpr int kFewestSteps = 4;  // for a part, or its beginning and end cost too much

  static constexpr LastWave of(int blocks, int multiprocessors, int steps) {
    const int rest = multiprocessors > 0 ? blocks % multiprocessors : 0;
    if (rest == 0) return {blocks, 0, 1};
    const int by_room = multiprocessors / rest, by_steps = steps / kFewestSteps;
    const int parts = by_room < by_steps ? by_room : by_steps;
    if (parts < 2) return {blocks, 0, 1};
    return {blocks - rest, rest, parts};
  }
  constexpr int grid() const { return whole + dealt * parts; }
};
