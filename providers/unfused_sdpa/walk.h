// How the heads of all batches become batched GEMMs. A batched GEMM takes matrices that lie a
// constant step apart; heads do, but heads of several batches or of a shared K may not. So the walk
// is two loops around one batched GEMM: over batches, and over what of a head group does not fit a
// step.
#pragma once

#include <cstdint>
#include <vector>

namespace unfused_sdpa {

struct Heads {
  int64_t batch = 1, q = 1, kv = 1;
  int64_t group() const { return q / kv; }
};

// Where the matrix of a head lies, in elements. `is_shared`: one for each head of K, not of Q.
struct HeadStrides {
  int64_t batch = 0, head = 0;
  bool is_shared = false;
};

// The extents of the loops; the innermost is the batched GEMM.
struct Walk {
  int64_t batches = 1, outer = 1, inner = 1;
};
Walk walk_of(const Heads& heads, const std::vector<HeadStrides>& operands);

// How far an operand moves when a loop goes on by one.
struct Steps {
  int64_t batch = 0, outer = 0, inner = 0;
};
Steps steps_of(const Heads& heads, const HeadStrides& operand);

}  // namespace unfused_sdpa
