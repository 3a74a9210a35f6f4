// Which keys a query row sees, in blocks of BLOCK_K keys: those before seqlen_kv and, when causal,
// up to its diagonal. Takes BLOCK_K, IS_CAUSAL, HAS_TAILS.
#pragma once

#include "kernel_kit/device/attention.h"
#include "kernel_kit/device/fragment.cuh"

struct KeyBlocks {
  int count;  // blocks 0 .. count - 1 are seen by some row,
  int whole;  // blocks 0 .. whole - 1 by all rows in full
};

// For rows first .. first + rows - 1.
DEVICE KeyBlocks key_blocks(const AttentionArguments& a, int first, int rows) {
  int seen = a.seqlen_kv, seen_by_all = a.seqlen_kv;
  if (IS_CAUSAL) {
    seen = min(seen, min(first + rows, a.seqlen_q) + a.diagonal);
    seen_by_all = min(seen_by_all, first + a.diagonal + 1);
  }
  if (HAS_TAILS && first >= a.seqlen_q) seen = 0;
  return {max(seen + BLOCK_K - 1, 0) / BLOCK_K, max(seen_by_all, 0) / BLOCK_K};
}

// -inf for what the lane's rows `row` and `row` + 8 don't see of the keys from `key` on.
template <int kScores>
DEVICE void hide_unseen(const AttentionArguments& a, float (&scores)[kScores], int row, int key,
                        int lane) {
  int end[2];  // first column that is not seen, in the terms of column_of
#pragma unroll
  for (int r = 0; r < 2; ++r) {
    int seen = a.seqlen_kv;
    if (IS_CAUSAL) seen = min(seen, row + 8 * r + a.diagonal + 1);
    end[r] = seen - key - lane % 4 * 2;
  }
#pragma unroll
  for (int e = 0; e < kScores; ++e) {
    if (column_of(e) >= end[row_of(e)]) scores[e] = __int_as_float(0xff800000);
  }
}
