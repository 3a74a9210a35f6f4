#include "reference/setup.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "reference/kernels.h"

namespace attnbench {

Setup::Setup(const Problem& the_problem, uint64_t seed, uint32_t variant)
    : problem(the_problem),
      source(the_problem, seed, variant),
      noise(the_problem),
      scale(the_problem.softmax_scale()),
      group(the_problem.heads / the_problem.kv_heads),
      diagonal_offset(the_problem.causal == Causal::bottom_right
                          ? the_problem.seqlen_kv - the_problem.seqlen_q
                          : 0) {}

int64_t Setup::visible_keys(int64_t index) const {
  if (problem.causal == Causal::none) return problem.seqlen_kv;
  return std::clamp<int64_t>(index + diagonal_offset + 1, 0, problem.seqlen_kv);
}

void Setup::load(Role role, int64_t batch, int64_t head, std::span<const int64_t> indices,
                 Matrix<float>& rows) const {
  rows.reshape(static_cast<int64_t>(indices.size()), problem.head_dim);
  for (size_t r = 0; r < indices.size(); ++r) {
    source.fill_row(role, batch, head, indices[r], rows.row_span(static_cast<int64_t>(r)));
  }
}

void Setup::load(Role role, int64_t batch, int64_t head, int64_t first, int64_t count,
                 Matrix<float>& rows) const {
  rows.reshape(count, problem.head_dim);
  for (int64_t r = 0; r < count; ++r) {
    source.fill_row(role, batch, head, first + r, rows.row_span(r));
  }
}

std::span<const float> Setup::load_bias(int64_t batch, int64_t head, int64_t index,
                                        std::vector<float>& buffer) const {
  if (problem.bias == Bias::none) return {};
  buffer.resize(static_cast<size_t>(visible_keys(index)));
  source.fill_row(Role::bias, batch, head, index, buffer);
  return buffer;
}

template <typename T>
int64_t finish_scores(T scale, std::span<const float> bias, int64_t visible, int64_t stride,
                      T* row) {
  if (bias.empty()) {
    for (int64_t j = 0; j < visible; ++j) row[j] *= scale;
  } else {
    const float* added = bias.data();
    for (int64_t j = 0; j < visible; ++j) row[j] = row[j] * scale + static_cast<T>(added[j]);
  }
  const int64_t count = in_whole_panels<T>(visible);
  std::fill(row + visible, row + count, -std::numeric_limits<T>::infinity());
  std::fill(row + count, row + stride, T{0});
  return count;
}

template <typename T>
SoftmaxRow<T> softmax_in_place(T* row, int64_t count) {
  SoftmaxRow<T> softmax;
  softmax.lse = softmax.maximum = -std::numeric_limits<T>::infinity();
  if (count > 0) softmax.maximum = max_of(row, count);
  if (softmax.maximum == -std::numeric_limits<T>::infinity()) {
    std::fill(row, row + count, T{0});
    return softmax;
  }
  const ExpSums<T> sums = exp_in_place(row, count, softmax.maximum);
  softmax.sum = sums.sum;
  softmax.sum_of_squares = sums.sum_of_squares;
  softmax.inverse_sum = T{1} / sums.sum;
  softmax.lse = softmax.maximum + std::log(sums.sum);
  return softmax;
}

template int64_t finish_scores(double, std::span<const float>, int64_t, int64_t, double*);
template int64_t finish_scores(float, std::span<const float>, int64_t, int64_t, float*);
template SoftmaxRow<double> softmax_in_place(double*, int64_t);
template SoftmaxRow<float> softmax_in_place(float*, int64_t);

}  // namespace attnbench
