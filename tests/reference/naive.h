// Attention by three loops over whole tensors, twice: in long double as a second opinion on the
// reference, and in fp32 as a provider would do it, flash style, so that its rounding differs from
// the plain implementation that the reference computes beside itself. The latter can be told to
// make the mistakes that providers make.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "reference/attention.h"

namespace attnbench {

// Tensors in logical order: (b, s, h, d), LSE (b, h, s), BIAS (b, h, i, j) without broadcasting.
template <typename T>
struct Tensors {
  std::vector<T> q, k, v, d_o, bias;
  std::vector<T> o, lse, dq, dk, dv;
};

template <typename T>
Tensors<T> draw_inputs(const Problem& problem, uint64_t seed, uint32_t variant);

// The definition, in long double. Softmax, then gradients by the textbook.
void attend_naively(const Problem& problem, Tensors<long double>& tensors);

struct Mistakes {
  int64_t mask_shift = 0;  // keys that a causal mask shows too many
  float scale_factor = 1.0f;
  bool has_stored_p = false;  // no mistake: dS comes of P as rounded to the dtype
};

// fp32 accumulation, online softmax in blocks of 16 keys with unnormalised P, exp2 for exp, P and
// dS rounded to the dtype, outputs rounded to the dtype.
void attend_as_provider(const Problem& problem, Tensors<float>& tensors, const Mistakes& mistakes);

// Where element 0 of a row lies in a tensor in logical order.
int64_t row_offset(const Problem& problem, Role role, const RowIndex& row);

// The chosen rows of an output, one behind the other.
template <typename T>
std::vector<T> rows_of(const Problem& problem, const Tensors<T>& tensors,
                       const RowSelection& selection, Role role);

// Sums over the keys of dK or dV: (batch, kv_heads, head_dim).
template <typename T>
std::vector<double> sums_of(const Problem& problem, const std::vector<T>& gradient);

}  // namespace attnbench
