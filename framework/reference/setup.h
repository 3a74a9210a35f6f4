// What every part of the reference needs to know about the problem it computes, and the one place
// that turns scores into weights: scale, bias, mask, softmax.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "reference/attention.h"
#include "reference/matrix.h"
#include "reference/noise.h"
#include "tensor/inputs.h"

namespace attnbench {

struct Setup {
  Setup(const Problem& the_problem, uint64_t seed, uint32_t variant);

  Problem problem;
  InputSource source;
  NoiseModel noise;
  double scale;
  int64_t group;            // heads of Q that share a head of K
  int64_t diagonal_offset;  // of a causal mask: row i sees keys up to i + diagonal_offset

  // Row `index` of Q sees the keys below this; every mask here hides a tail of the keys.
  int64_t visible_keys(int64_t index) const;
  // Row by row, as drawn: `indices` of (batch, head), or all from `first` on.
  void load(Role role, int64_t batch, int64_t head, std::span<const int64_t> indices,
            Matrix<float>& rows) const;
  void load(Role role, int64_t batch, int64_t head, int64_t first, int64_t count,
            Matrix<float>& rows) const;
  // The bias of the visible keys of one query row; empty without a bias.
  std::span<const float> load_bias(int64_t batch, int64_t head, int64_t index,
                                   std::vector<float>& buffer) const;
};

// A row of the softmax: weight_j = exp(s_j - maximum), P_j = weight_j / sum.
template <typename T>
struct SoftmaxRow {
  T maximum = 0, sum = 0, sum_of_squares = 0;  // of the weights
  T lse = 0;                                   // -inf if the row sees nothing
  T inverse_sum = 0;                           // 0 if the row sees nothing
};

// Products Q.K in, scores out: times scale, plus bias, -inf up to the end of the last panel.
// Returns the number of elements up to there; behind it the row is 0.
template <typename T>
int64_t finish_scores(T scale, std::span<const float> bias, int64_t visible, int64_t stride,
                      T* row);

// Scores in, weights out.
template <typename T>
SoftmaxRow<T> softmax_in_place(T* row, int64_t count);

}  // namespace attnbench
