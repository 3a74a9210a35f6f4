#include "naive.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tensor/convert.h"
#include "tensor/inputs.h"

namespace attnbench {
namespace {

constexpr int64_t kBlock = 16;
constexpr float kLog2E = 1.44269504f;

// Rows of one query (b, h, i) and of key j of its head, by address.
template <typename T>
struct Addresses {
  const Problem& problem;
  Tensors<T>& tensors;
  int64_t b, h, i;

  int64_t group() const { return problem.heads / problem.kv_heads; }
  int64_t query() const {
    return ((b * problem.seqlen_q + i) * problem.heads + h) * problem.head_dim;
  }
  int64_t key(int64_t j) const {
    return ((b * problem.seqlen_kv + j) * problem.kv_heads + h / group()) * problem.head_dim;
  }
  int64_t lse() const { return (b * problem.heads + h) * problem.seqlen_q + i; }
  T bias(int64_t j) const {
    if (tensors.bias.empty()) return 0;
    return tensors.bias[static_cast<size_t>(lse() * problem.seqlen_kv + j)];
  }
  int64_t visible(int64_t mask_shift) const {
    const int64_t offset =
        problem.causal == Causal::bottom_right ? problem.seqlen_kv - problem.seqlen_q : 0;
    const int64_t end =
        problem.causal == Causal::none ? problem.seqlen_kv : i + offset + 1 + mask_shift;
    return std::clamp<int64_t>(end, 0, problem.seqlen_kv);
  }
};

template <typename T>
T dot(const std::vector<T>& left, int64_t left_offset, const std::vector<T>& right,
      int64_t right_offset, int64_t length) {
  T sum = 0;
  for (int64_t d = 0; d < length; ++d) {
    sum +=
        left[static_cast<size_t>(left_offset + d)] * right[static_cast<size_t>(right_offset + d)];
  }
  return sum;
}

template <typename T>
void add_scaled(T factor, const std::vector<T>& from, int64_t from_offset, std::vector<T>& to,
                int64_t to_offset, int64_t length) {
  for (int64_t d = 0; d < length; ++d) {
    to[static_cast<size_t>(to_offset + d)] += factor * from[static_cast<size_t>(from_offset + d)];
  }
}

template <typename T, typename Visit>
void for_each_query(const Problem& problem, Tensors<T>& tensors, Visit visit) {
  for (int64_t b = 0; b < problem.batch; ++b) {
    for (int64_t h = 0; h < problem.heads; ++h) {
      for (int64_t i = 0; i < problem.seqlen_q; ++i) {
        visit(Addresses<T>{problem, tensors, b, h, i});
      }
    }
  }
}

template <typename T>
void clear_outputs(const Problem& problem, Tensors<T>& tensors) {
  tensors.o.assign(tensors.q.size(), 0);
  tensors.dq = tensors.o;
  tensors.dk.assign(tensors.k.size(), 0);
  tensors.dv = tensors.dk;
  tensors.lse.assign(static_cast<size_t>(problem.batch * problem.heads * problem.seqlen_q), 0);
}

void attend_query_naively(const Addresses<long double>& at, Tensors<long double>& t) {
  const int64_t d = at.problem.head_dim, visible = at.visible(0);
  const long double scale = at.problem.softmax_scale();
  std::vector<long double> p(static_cast<size_t>(visible));
  long double maximum = -std::numeric_limits<long double>::infinity(), sum = 0;
  for (int64_t j = 0; j < visible; ++j) {
    p[static_cast<size_t>(j)] = scale * dot(t.q, at.query(), t.k, at.key(j), d) + at.bias(j);
    maximum = std::max(maximum, p[static_cast<size_t>(j)]);
  }
  long double& lse = t.lse[static_cast<size_t>(at.lse())];
  lse = -std::numeric_limits<long double>::infinity();
  if (std::isinf(maximum)) return;
  for (const long double s : p) sum += std::exp(s - maximum);
  lse = maximum + std::log(sum);
  for (int64_t j = 0; j < visible; ++j) {
    long double& weight = p[static_cast<size_t>(j)];
    weight = std::exp(weight - lse);
    add_scaled(weight, t.v, at.key(j), t.o, at.query(), d);
  }
  const long double delta = dot(t.d_o, at.query(), t.o, at.query(), d);
  for (int64_t j = 0; j < visible; ++j) {
    const long double weight = p[static_cast<size_t>(j)];
    const long double ds = weight * (dot(t.d_o, at.query(), t.v, at.key(j), d) - delta);
    add_scaled(scale * ds, t.k, at.key(j), t.dq, at.query(), d);
    add_scaled(scale * ds, t.q, at.query(), t.dk, at.key(j), d);
    add_scaled(weight, t.d_o, at.query(), t.dv, at.key(j), d);
  }
}

float score_of(const Addresses<float>& at, const Tensors<float>& t, const Mistakes& mistakes,
               int64_t j) {
  const float scale = static_cast<float>(at.problem.softmax_scale()) * mistakes.scale_factor;
  return scale * dot(t.q, at.query(), t.k, at.key(j), at.problem.head_dim) + at.bias(j);
}

void forward_as_provider(const Addresses<float>& at, Tensors<float>& t, const Mistakes& mistakes) {
  const int64_t d = at.problem.head_dim, visible = at.visible(mistakes.mask_shift);
  float maximum = -std::numeric_limits<float>::infinity(), sum = 0;
  std::vector<float> o(static_cast<size_t>(d));
  for (int64_t begin = 0; begin < visible; begin += kBlock) {
    const int64_t end = std::min(begin + kBlock, visible);
    float block_maximum = maximum;
    std::vector<float> s;
    for (int64_t j = begin; j < end; ++j) {
      s.push_back(score_of(at, t, mistakes, j) * kLog2E);
      block_maximum = std::max(block_maximum, s.back());
    }
    if (std::isinf(block_maximum)) continue;
    const float rescale = std::exp2(maximum - block_maximum);
    for (float& element : o) element *= rescale;
    sum *= rescale;
    maximum = block_maximum;
    for (int64_t j = begin; j < end; ++j) {
      const float p = std::exp2(s[static_cast<size_t>(j - begin)] - maximum);
      sum += p;
      add_scaled(round_to(at.problem.dtype, p), t.v, at.key(j), o, 0, d);
    }
  }
  for (int64_t c = 0; c < d; ++c) {
    t.o[static_cast<size_t>(at.query() + c)] =
        sum > 0 ? round_to(at.problem.dtype, o[static_cast<size_t>(c)] / sum) : 0.0f;
  }
  t.lse[static_cast<size_t>(at.lse())] =
      sum > 0 ? maximum / kLog2E + std::log(sum) : -std::numeric_limits<float>::infinity();
}

void backward_as_provider(const Addresses<float>& at, Tensors<float>& t, const Mistakes& mistakes) {
  const int64_t d = at.problem.head_dim, visible = at.visible(mistakes.mask_shift);
  const Dtype dtype = at.problem.dtype;
  const float scale = static_cast<float>(at.problem.softmax_scale()) * mistakes.scale_factor;
  const float lse = t.lse[static_cast<size_t>(at.lse())];
  if (std::isinf(lse)) return;
  const float delta = dot(t.d_o, at.query(), t.o, at.query(), d);
  for (int64_t j = 0; j < visible; ++j) {
    const float p = std::exp2((score_of(at, t, mistakes, j) - lse) * kLog2E);
    const float dp = dot(t.d_o, at.query(), t.v, at.key(j), d);
    const float p_of_ds = mistakes.has_stored_p ? round_to(dtype, p) : p;
    const float ds = round_to(dtype, p_of_ds * (dp - delta));
    add_scaled(ds, t.k, at.key(j), t.dq, at.query(), d);
    add_scaled(scale * ds, t.q, at.query(), t.dk, at.key(j), d);
    add_scaled(round_to(dtype, p), t.d_o, at.query(), t.dv, at.key(j), d);
  }
  for (int64_t c = 0; c < d; ++c) t.dq[static_cast<size_t>(at.query() + c)] *= scale;
}

}  // namespace

template <typename T>
Tensors<T> draw_inputs(const Problem& problem, uint64_t seed, uint32_t variant) {
  const InputSource source(problem, seed, variant);
  const auto draw = [&](Role role) {
    std::vector<float> drawn(static_cast<size_t>(layout_of(problem, role).elements_stored));
    source.fill(role, 0, std::span<float>(drawn));
    return std::vector<T>(drawn.begin(), drawn.end());
  };
  Tensors<T> tensors;
  tensors.q = draw(Role::q);
  tensors.k = draw(Role::k);
  tensors.v = draw(Role::v);
  tensors.d_o = draw(Role::do_);
  if (problem.bias == Bias::none) return tensors;
  const std::vector<T> stored = draw(Role::bias);
  const TensorLayout layout = layout_of(problem, Role::bias);
  for (int64_t b = 0; b < problem.batch; ++b) {
    for (int64_t h = 0; h < problem.heads; ++h) {
      for (int64_t i = 0; i < problem.seqlen_q; ++i) {
        const auto row = stored.begin() + layout.offset_of(b, h, i);
        tensors.bias.insert(tensors.bias.end(), row, row + problem.seqlen_kv);
      }
    }
  }
  return tensors;
}

void attend_naively(const Problem& problem, Tensors<long double>& tensors) {
  clear_outputs(problem, tensors);
  for_each_query(problem, tensors,
                 [&](const Addresses<long double>& at) { attend_query_naively(at, tensors); });
}

void attend_as_provider(const Problem& problem, Tensors<float>& tensors, const Mistakes& mistakes) {
  clear_outputs(problem, tensors);
  for_each_query(problem, tensors, [&](const Addresses<float>& at) {
    forward_as_provider(at, tensors, mistakes);
    backward_as_provider(at, tensors, mistakes);
  });
  round_in_place(problem.dtype, tensors.dq);
  round_in_place(problem.dtype, tensors.dk);
  round_in_place(problem.dtype, tensors.dv);
}

int64_t row_offset(const Problem& problem, Role role, const RowIndex& row) {
  Problem logical = problem;
  logical.layout = Layout::bshd;
  return layout_of(logical, role).offset_of(row.batch, row.head, row.index);
}

template <typename T>
std::vector<T> rows_of(const Problem& problem, const Tensors<T>& tensors,
                       const RowSelection& selection, Role role) {
  const bool of_keys = role == Role::dk || role == Role::dv;
  const std::vector<T>& tensor = role == Role::o     ? tensors.o
                                 : role == Role::lse ? tensors.lse
                                 : role == Role::dq  ? tensors.dq
                                 : role == Role::dk  ? tensors.dk
                                                     : tensors.dv;
  std::vector<T> rows;
  for (const RowIndex& row : of_keys ? selection.kv_rows : selection.q_rows) {
    const auto begin = tensor.begin() + row_offset(problem, role, row);
    rows.insert(rows.end(), begin, begin + (role == Role::lse ? 1 : problem.head_dim));
  }
  return rows;
}

template <typename T>
std::vector<double> sums_of(const Problem& problem, const std::vector<T>& gradient) {
  const int64_t width = problem.kv_heads * problem.head_dim;
  std::vector<double> sums(static_cast<size_t>(problem.batch * width));
  for (int64_t e = 0; e < static_cast<int64_t>(gradient.size()); ++e) {
    const int64_t batch = e / (width * problem.seqlen_kv);
    sums[static_cast<size_t>(batch * width + e % width)] +=
        static_cast<double>(gradient[static_cast<size_t>(e)]);
  }
  return sums;
}

template Tensors<float> draw_inputs(const Problem&, uint64_t, uint32_t);
template Tensors<long double> draw_inputs(const Problem&, uint64_t, uint32_t);
template std::vector<float> rows_of(const Problem&, const Tensors<float>&, const RowSelection&,
                                    Role);
template std::vector<long double> rows_of(const Problem&, const Tensors<long double>&,
                                          const RowSelection&, Role);
template std::vector<double> sums_of(const Problem&, const std::vector<float>&);
template std::vector<double> sums_of(const Problem&, const std::vector<long double>&);

}  // namespace attnbench
