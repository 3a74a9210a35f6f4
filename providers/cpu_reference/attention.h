// What forward and backward share: which keys a query sees, rows as fp32, a row of scores.
//
// Everything is computed in fp32 on contiguous copies. K and V are copied once for each head of K,
// also transposed where that turns a dot product over head_dim into a sum of rows over keys: such a
// loop can be vectorised without changing the order of any sum, so the bits never depend on it.
#pragma once

#include <algorithm>

#include "attnbench/provider.hpp"

namespace cpu_reference {

struct Task {
  attn_problem problem;
  float scale;
};

uint64_t forward_workspace_bytes(const attn_problem& problem);
uint64_t backward_workspace_bytes(const attn_problem& problem);
void forward(const Task& task, const attn::Execution& pass);
void backward(const Task& task, const attn::Execution& pass);

// Query i sees the keys before this one: a causal mask hides a tail, never a head.
inline int64_t visible_keys(const attn_problem& p, int64_t i) {
  if (p.mask == ATTN_MASK_NONE) return p.seqlen_kv;
  bool is_bottom_right = p.mask == ATTN_MASK_CAUSAL_BOTTOM_RIGHT;
  int64_t diagonal = is_bottom_right ? i + p.seqlen_kv - p.seqlen_q : i;
  return std::clamp<int64_t>(diagonal + 1, 0, p.seqlen_kv);
}

// The first `count` elements of the last axis at (a, b, c), to and from fp32.
inline void load_row(const attn::Tensor& tensor, int64_t a, int64_t b, int64_t c, int64_t count,
                     float* to) {
  attn::with_type_of(tensor.dtype(), [&]<class T>(T) {
    attn::View<T> view = tensor.view<T>();
    const T* from = view.row(a, b, c);
    int64_t step = view.last_stride();
    for (int64_t d = 0; d < count; ++d) to[d] = attn::to_float(from[d * step]);
  });
}
inline void store_row(const attn::Tensor& tensor, int64_t a, int64_t b, int64_t c, int64_t count,
                      const float* from) {
  attn::with_type_of(tensor.dtype(), [&]<class T>(T) {
    attn::View<T> view = tensor.view<T>();
    T* to = view.row(a, b, c);
    int64_t step = view.last_stride();
    for (int64_t d = 0; d < count; ++d) to[d * step] = attn::from_float<T>(from[d]);
  });
}

// One head of K or V, row after row: to[s * head_dim + d].
inline void load_head(const attn::Tensor& tensor, int64_t b, int64_t head, float* to) {
  int64_t seqlen = tensor.shape(1), head_dim = tensor.shape(3);
  for (int64_t s = 0; s < seqlen; ++s) load_row(tensor, b, s, head, head_dim, to + s * head_dim);
}
inline void transpose(const float* from, int64_t rows, int64_t columns, float* to) {
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) to[c * rows + r] = from[r * columns + c];
  }
}

// to += factor * from
inline void add_scaled(float factor, const float* __restrict from, int64_t count,
                       float* __restrict to) {
  for (int64_t d = 0; d < count; ++d) to[d] += factor * from[d];
}

// to[j] = row . M[j] for the first `count` rows of M, given M transposed with `rows` columns.
inline void dot_with_rows(const float* row, int64_t head_dim, const float* transposed, int64_t rows,
                          int64_t count, float* to) {
  std::fill_n(to, count, 0.0f);
  for (int64_t d = 0; d < head_dim; ++d) add_scaled(row[d], transposed + d * rows, count, to);
}

// scores[j] = scale * q . K[j] + bias[j] for the keys that the query sees. `bias` is NULL or a row.
inline void score_row(const Task& task, const float* q, const float* k_transposed,
                      const float* __restrict bias, int64_t count, float* __restrict scores) {
  const attn_problem& p = task.problem;
  dot_with_rows(q, p.head_dim_qk, k_transposed, p.seqlen_kv, count, scores);
  for (int64_t j = 0; j < count; ++j) scores[j] *= task.scale;
  if (!bias) return;
  for (int64_t j = 0; j < count; ++j) scores[j] += bias[j];
}

// Hands out the workspace piece by piece; with no base it only counts.
class Carver {
 public:
  explicit Carver(void* base) : base_(static_cast<float*>(base)) {}
  float* take(int64_t count) {
    float* piece = base_ ? base_ + taken_ : nullptr;
    taken_ += (count + 15) / 16 * 16;  // each piece begins a cache line
    return piece;
  }
  uint64_t bytes() const { return static_cast<uint64_t>(taken_) * sizeof(float); }

 private:
  float* base_;
  int64_t taken_ = 0;
};

}  // namespace cpu_reference
