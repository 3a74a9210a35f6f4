// How much rounding must disturb a result: a first-order model of the noise, element by element.
//
// A right kernel differs from the exact answer because of what its dtype cannot hold. Errors of
// that kind are independent, so they add in squares. With u the unit roundoff of the dtype and u32
// that of fp32, one row i of the attention matrix is disturbed by
//   w_i^2 = u^2 + (2 s_i)^2 + u32^2 n / 4,  s_i = u32 (1 + score_size + |LSE_i|)
// relative to P_ij: P is rounded to the dtype; before that, an error of the score or of LSE moves
// exp(score - LSE); and an fp32 sum of n terms rounds n times (n: the longer of the sums over keys
// and over the queries of a group). `score_size` is stddev^2 sqrt(head_dim) scale, the typical
// score, times sqrt(head_dim) / 4 for the rounding of its own fp32 sum. Then
//   O    u^2 O^2 + w^2 (sum_j P^2 V^2 + O^2 sum_j P^2)
//   dQ   u^2 dQ^2 + scale^2 (sum_j ((w^2 + l^2) dS^2 + e^2 P^2) K^2 + n^2 (sum_j P K)^2)
//   dV   u^2 dV^2 + sum_i w_i^2 P^2 dO^2
//   dK   u^2 dK^2 + scale^2 sum_i ((w_i^2 + l^2) dS^2 + (e_i^2 + n_i^2) P^2) Q^2
// where n_i is the noise of delta_i = dO_i . O_i, inherited from O, and e_i = u32 stddev |dO_i|
// that of an fp32 dot product dO_i . V_j. l_ij = min(1, floor / P_ij) is what a P among the dtype's
// subnormals loses when it is stored; dS = P (dP - delta) multiplies it by some |dP|, far above the
// floor. (Seen: keys that only two queries see, with P of 1e-6 in fp16.) To each comes a floor for
// subnormals, which keeps it above 0.
//   LSE  u32 (1 + score_size + |LSE|)
// The model need not be exact: it only has to give all elements of a tensor the same scale, so that
// one number, the plain implementation's largest error in units of noise, says what to expect.
#pragma once

#include <cstdint>

#include "model/problem.h"

namespace attnbench {

inline constexpr double kUnitRoundoffFp32 = 0x1p-24;

class NoiseModel {
 public:
  explicit NoiseModel(const Problem& problem);

  double unit_roundoff() const { return u_; }
  double score_size() const { return score_size_; }  // as above
  double value_size() const { return value_size_; }  // typical |V| and |K|: the inputs' stddev
  double weight_squared(double lse) const;           // w_i^2
  double lse_noise(double lse) const;
  double lost_squared(double p) const;  // l^2
  // e_i^2, from |dO_i|^2.
  double dot_squared(double norm_squared) const;
  // The square root of all that makes up an element's noise: its own rounding, what it inherits,
  // and the floor of a sum of `terms` products.
  double of_element(double value, double inherited_squared, double factor, int64_t terms) const;

 private:
  double score_noise(double lse) const;  // s_i

  double u_ = 0.0;           // unit roundoff of the dtype
  double floor_ = 0.0;       // absolute error where the dtype's numbers end
  double dot_growth_ = 0.0;  // what an fp32 sum over head_dim loses, in u32 of its typical value
  double score_size_ = 0.0;
  double value_size_ = 0.0;
  double sum_squared_ = 0.0;    // u32^2 n / 4
  double lse_sum_noise_ = 0.0;  // u32 sqrt(seqlen_kv) / 4
};

}  // namespace attnbench
