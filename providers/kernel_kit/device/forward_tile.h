// The shared-memory plan of the warp-specialised forward kernels for sm_90a. Read by the host,
// which must ask for the bytes, and by NVRTC: they cannot disagree.
#pragma once

struct ForwardTile {
  int head_dim, block_k;  // as padded; keys per step
  int groups;             // warpgroups that compute, 64 query rows each
  int stages;             // of K and of V
  bool has_bias;
  int bias_stages;  // per group

  static constexpr int kGroupRows = 64;
  static constexpr int kPageColumns = 64;  // 128 bytes: a row of the 128-byte swizzle
  static constexpr int kAlignment = 1024;  // of a swizzled tile

  constexpr int rows() const { return kGroupRows * groups; }
  constexpr int threads() const { return 128 * (groups + 1); }  // one warpgroup loads
  constexpr int pages() const { return head_dim / kPageColumns; }
  constexpr int q_bytes() const { return rows() * head_dim * 2; }
  constexpr int kv_bytes() const { return block_k * head_dim * 2; }  // of one K or V tile
  constexpr int bias_bytes() const { return has_bias ? kGroupRows * block_k * 2 : 0; }

  constexpr int q_at() const { return 0; }
  constexpr int k_at() const { return q_at() + q_bytes(); }
  constexpr int v_at() const { return k_at() + stages * kv_bytes(); }
  constexpr int bias_at(int group) const {
    return v_at() + stages * kv_bytes() + group * bias_stages * bias_bytes();
  }
  constexpr int barriers_at() const { return bias_at(groups); }
  // full and empty of Q, K, V and each group's bias, then a word that pins may name, and one for
  // the number of the unit whose Q is there
  constexpr int pin_at() const {
    return barriers_at() + 16 * (1 + 2 * stages + (has_bias ? groups * bias_stages : 0));
  }
  constexpr int unit_at() const { return pin_at() + 4; }
  constexpr int bytes() const { return unit_at() + 4; }

  // What a block hands over of a unit whose keys it shares with others, see forward_parts.cuh.
  constexpr int warps() const { return 4 * groups; }
  constexpr int part_bytes_of_warp() const { return (1 + head_dim / 8) * 512; }

  // Of a thread, by setmaxnreg. All warps together own 64 K.
  constexpr int registers() const { return groups <= 2 ? 232 : groups == 3 ? 160 : 112; }
  constexpr int loader_registers() const { return groups <= 2 ? 40 : 32; }

  // Registers for addresses, statistics and the like, beside O, S and P. Compiled without spilling
  // where this holds, and with spills where it does not.
  static constexpr int kOthers = 32;
  // P of one step lives while S of the next is computed: else there must be no overlap.
  constexpr bool overlaps() const {
    return head_dim / 2 + block_k / 2 + block_k / 4 + kOthers <= registers();
  }
  constexpr int least_registers() const { return head_dim / 2 + block_k / 2 + kOthers; }
};
