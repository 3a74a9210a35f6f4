// A provider's rows against the reference: is each element as right as its dtype allows?
//
// The norm. An element's error is |got - reference|, measured in units of that element's noise
// (noise.h), and may be at most
//   allowed = (2 * plain_ratio + slack) * noise
// plain_ratio is the largest error, in the same units, that a plain implementation in the same
// dtype makes on the same rows. So every element is judged on its own scale: a row of O that
// averages 8,192 values is a hundred times smaller than one that sees a single key, and one bound
// for both would let the small one be anything.
//
// The slack (the "atol", in units of noise) is for what a plain implementation does not do:
//   o, dq, dk, dv   4    another order of sums, exp2 for exp, P left unnormalised until the end;
//                        also a short row may round without any error in the plain implementation
//   lse, fp32       16   a polynomial exp and log, a few ulp each
//   lse, 16 bits    64   tensor cores cut instead of rounding, the GPU's ex2 and lg2 are good for
//                        22 bits: with scores of 30 this is an error of 1e-4, harmless beside P
// An element's noise is about u = 2^-11 (fp16), 2^-8 (bf16), 2^-24 (fp32) of the values that were
// summed, so the bound is some 10 u of them. -inf (a fully masked row's LSE) must be -inf. What
// overflows the dtype must be that infinity. NaN is allowed only where the reference has it.
//
// Identities (head_sums.cpp): |got - reference| <= 6 noise. Their noise is an upper estimate of a
// standard deviation; right implementations were seen to stay below 1.7. A row of dO lost among n
// is off by |dO| where sqrt(n) |dO| u is the noise: seen if n < 1 / (6 u)^2, 1,800 rows in bf16 and
// 100,000 in fp16, and a whole head always.
#pragma once

#include <span>

#include "reference/attention.h"

namespace attnbench {

struct RowsCheck {
  Role role = Role::o;
  int64_t rows = 0;  // compared
  bool has_unexpected_nan = false;
  // The worst element: where the error is largest beside what is allowed there (or the first NaN).
  RowIndex where;
  int64_t column = 0;
  double got = 0.0, expected = 0.0;
  double error = 0.0, allowed_error = 0.0;

  bool is_right() const { return !has_unexpected_nan && error <= allowed_error; }
};

// `got`: rows one behind the other, in the selection's order. Throws Error if it has another size
// or the reference lacks the role.
RowsCheck compare_rows(const ReferenceRows& reference, Role role, Dtype dtype,
                       std::span<const float> got);

// `got`: the sums of dK or dV over the keys, (batch, kv_heads, head_dim). where.index stays 0.
RowsCheck compare_sums(const ReferenceRows& reference, Role role, std::span<const double> got);

}  // namespace attnbench
