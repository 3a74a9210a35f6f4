// O, LSE and dQ of chosen query rows. A head's chosen rows are computed together, so that K and V
// are drawn and packed once. `attend` is the whole of attention, forward and backward, and reads
// like the paper; in fp64 it is the definition of right, in fp32 the plain implementation.
#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "reference/kernels.h"
#include "reference/parallel.h"
#include "reference/parts.h"
#include "tensor/convert.h"

namespace attnbench {
namespace {

// The chosen rows of one head, and where they stand in the selection.
struct Head {
  int64_t batch = 0, head = 0;
  std::vector<int64_t> indices;
  std::vector<size_t> slots;
};

struct HeadInputs {
  Matrix<float> q, k, v, d_o;
};

template <typename T>
struct Attended {
  Matrix<T> p, o, ds, dq;
  std::vector<T> lse;
};

// What the plain implementation writes to memory, or feeds to a matrix product, has the dtype.
Matrix<float> as_stored(Dtype dtype, Matrix<float> matrix) {
  for (int64_t r = 0; r < matrix.rows(); ++r) round_in_place(dtype, matrix.row_span(r));
  return matrix;
}
Matrix<double> as_stored(Dtype, Matrix<double> matrix) {
  return matrix;
}

template <typename T>
void attend_forward(const Setup& setup, const Head& head, const HeadInputs& inputs,
                    Matrix<T>& scores, Attended<T>& result) {
  const Dtype dtype = setup.problem.dtype;
  Packed<T> packed;
  Matrix<T> q;
  copy(inputs.q, q);
  pack_transposed(inputs.k, packed);
  multiply(q, packed, scores);
  std::vector<float> bias;
  for (int64_t r = 0; r < q.rows(); ++r) {
    const int64_t index = head.indices[static_cast<size_t>(r)];
    finish_scores(static_cast<T>(setup.scale), setup.load_bias(head.batch, head.head, index, bias),
                  setup.visible_keys(index), scores.stride(), scores.row(r));
  }
  result.p = scores;
  for (int64_t r = 0; r < q.rows(); ++r) {
    const int64_t visible = setup.visible_keys(head.indices[static_cast<size_t>(r)]);
    const int64_t count = in_whole_panels<T>(visible);
    const SoftmaxRow<T> softmax = softmax_in_place(result.p.row(r), count);
    for (T& weight : result.p.row_span(r)) weight *= softmax.inverse_sum;
    result.lse.push_back(softmax.lse);
  }
  pack(inputs.v, packed);
  multiply(as_stored(dtype, result.p), packed, result.o);
  result.o = as_stored(dtype, std::move(result.o));
}

// From O and LSE as the forward pass left them, as a backward pass gets them.
template <typename T>
void attend_backward(const Setup& setup, const Head& head, const HeadInputs& inputs,
                     const Matrix<T>& scores, Attended<T>& result) {
  const Dtype dtype = setup.problem.dtype;
  Packed<T> packed;
  Matrix<T> d_o;
  copy(inputs.d_o, d_o);
  pack_transposed(inputs.v, packed);
  multiply(d_o, packed, result.ds);  // dP, of which dS is made in place
  result.p = scores;
  for (int64_t r = 0; r < d_o.rows(); ++r) {
    const int64_t visible = setup.visible_keys(head.indices[static_cast<size_t>(r)]);
    const int64_t count = in_whole_panels<T>(visible);
    const T lse = result.lse[static_cast<size_t>(r)];
    exp_in_place(result.p.row(r), count, std::isinf(lse) ? -lse : lse);
    T delta = 0;
    for (int64_t c = 0; c < d_o.columns(); ++c) delta += d_o.at(r, c) * result.o.at(r, c);
    for (int64_t j = 0; j < result.p.columns(); ++j) {
      result.ds.at(r, j) = result.p.at(r, j) * (result.ds.at(r, j) - delta);
    }
  }
  pack(inputs.k, packed);
  multiply(as_stored(dtype, result.ds), packed, result.dq);
  for (int64_t r = 0; r < d_o.rows(); ++r) {
    for (T& element : result.dq.row_span(r)) element *= static_cast<T>(setup.scale);
  }
  result.dq = as_stored(dtype, std::move(result.dq));
}

template <typename T>
Attended<T> attend(const Setup& setup, const Head& head, const HeadInputs& inputs) {
  Attended<T> result;
  Matrix<T> scores;
  attend_forward(setup, head, inputs, scores, result);
  if (setup.problem.has_backward()) attend_backward(setup, head, inputs, scores, result);
  return result;
}

// sum_j weights(r, j) * matrix(j, c)^2
Matrix<double> multiply_by_squares(const Matrix<double>& weights, const Matrix<float>& matrix) {
  Packed<double> packed;
  pack(matrix, packed);
  for (double& element : packed.elements) element *= element;
  Matrix<double> result;
  multiply(weights, packed, result);
  return result;
}

// Noise of O, row by row: noise.h.
Matrix<double> noise_of_o(const Setup& setup, const HeadInputs& inputs,
                          const Attended<double>& exact) {
  Matrix<double> weights = exact.p;
  std::vector<double> sums(static_cast<size_t>(weights.rows()));
  for (int64_t r = 0; r < weights.rows(); ++r) {
    const double w2 = setup.noise.weight_squared(exact.lse[static_cast<size_t>(r)]);
    for (double& weight : weights.row_span(r)) {
      weight *= weight * w2;
      sums[static_cast<size_t>(r)] += weight;
    }
  }
  Matrix<double> noise = multiply_by_squares(weights, inputs.v);
  for (int64_t r = 0; r < noise.rows(); ++r) {
    for (int64_t c = 0; c < noise.columns(); ++c) {
      const double o = exact.o.at(r, c);
      const double inherited = noise.at(r, c) + o * o * sums[static_cast<size_t>(r)];
      noise.at(r, c) = setup.noise.of_element(o, inherited, 1.0, setup.problem.seqlen_kv);
    }
  }
  return noise;
}

Matrix<double> noise_of_dq(const Setup& setup, const HeadInputs& inputs,
                           const Attended<double>& exact, const Matrix<double>& o_noise) {
  Matrix<double> weights = exact.ds;
  std::vector<double> delta_squared;
  for (int64_t r = 0; r < weights.rows(); ++r) {
    double norm_squared = 0.0, n2 = 0.0;
    for (int64_t c = 0; c < o_noise.columns(); ++c) {
      const double d_o = inputs.d_o.at(r, c);
      norm_squared += d_o * d_o;
      n2 += d_o * d_o * o_noise.at(r, c) * o_noise.at(r, c);
    }
    delta_squared.push_back(n2);
    const double w2 = setup.noise.weight_squared(exact.lse[static_cast<size_t>(r)]);
    const double e2 = setup.noise.dot_squared(norm_squared);
    for (int64_t j = 0; j < weights.columns(); ++j) {
      const double ds = exact.ds.at(r, j), p = exact.p.at(r, j);
      weights.at(r, j) = ds * ds * (w2 + setup.noise.lost_squared(p)) + p * p * e2;
    }
  }
  Matrix<double> noise = multiply_by_squares(weights, inputs.k);
  Packed<double> packed;
  pack(inputs.k, packed);
  Matrix<double> mean_k;
  multiply(exact.p, packed, mean_k);
  for (int64_t r = 0; r < noise.rows(); ++r) {
    for (int64_t c = 0; c < noise.columns(); ++c) {
      const double mean = mean_k.at(r, c);
      const double inherited =
          setup.scale * setup.scale *
          (noise.at(r, c) + delta_squared[static_cast<size_t>(r)] * mean * mean);
      noise.at(r, c) = setup.noise.of_element(exact.dq.at(r, c), inherited, setup.scale,
                                              setup.problem.seqlen_kv);
    }
  }
  return noise;
}

void record_rows(const Matrix<double>& exact, const Matrix<double>& noise,
                 const Matrix<float>& plain, RoleRows& rows) {
  for (int64_t r = 0; r < exact.rows(); ++r) {
    for (int64_t c = 0; c < exact.columns(); ++c) {
      record_element(static_cast<size_t>(r * exact.columns() + c), exact.at(r, c), noise.at(r, c),
                     plain.at(r, c), rows);
    }
  }
}

std::vector<RoleRows> compute_head(const Setup& setup, const Head& head) {
  const Problem& problem = setup.problem;
  HeadInputs inputs;
  setup.load(Role::q, head.batch, head.head, head.indices, inputs.q);
  setup.load(Role::k, head.batch, head.head / setup.group, 0, problem.seqlen_kv, inputs.k);
  setup.load(Role::v, head.batch, head.head / setup.group, 0, problem.seqlen_kv, inputs.v);
  if (problem.has_backward()) {
    setup.load(Role::do_, head.batch, head.head, head.indices, inputs.d_o);
  }
  const Attended<double> exact = attend<double>(setup, head, inputs);
  const Attended<float> plain = attend<float>(setup, head, inputs);
  const Matrix<double> o_noise = noise_of_o(setup, inputs, exact);

  const size_t count = head.indices.size();
  std::vector<RoleRows> roles;
  roles.push_back(make_rows(Role::o, problem.head_dim, count));
  record_rows(exact.o, o_noise, plain.o, roles.back());
  roles.push_back(make_rows(Role::lse, 1, count));
  for (size_t r = 0; r < count; ++r) {
    record_element(r, exact.lse[r], setup.noise.lse_noise(exact.lse[r]), plain.lse[r],
                   roles.back());
  }
  if (!problem.has_backward()) return roles;
  roles.push_back(make_rows(Role::dq, problem.head_dim, count));
  record_rows(exact.dq, noise_of_dq(setup, inputs, exact, o_noise), plain.dq, roles.back());
  return roles;
}

std::vector<Head> heads_of(std::span<const RowIndex> selection) {
  std::map<std::pair<int64_t, int64_t>, Head> heads;
  for (size_t slot = 0; slot < selection.size(); ++slot) {
    const RowIndex& row = selection[slot];
    Head& head = heads[{row.batch, row.head}];
    head.batch = row.batch;
    head.head = row.head;
    head.indices.push_back(row.index);
    head.slots.push_back(slot);
  }
  std::vector<Head> list;
  for (auto& [key, head] : heads) list.push_back(std::move(head));
  return list;
}

// Rows of one head to their places in the selection.
void place_rows(const Head& head, const RoleRows& part, RoleRows& whole) {
  const size_t length = static_cast<size_t>(part.row_length);
  for (size_t r = 0; r < head.slots.size(); ++r) {
    for (size_t c = 0; c < length; ++c) {
      whole.values[head.slots[r] * length + c] = part.values[r * length + c];
      whole.noise[head.slots[r] * length + c] = part.noise[r * length + c];
    }
  }
  whole.plain_error = std::max(whole.plain_error, part.plain_error);
  whole.plain_ratio = std::max(whole.plain_ratio, part.plain_ratio);
}

}  // namespace

std::vector<RoleRows> compute_query_rows(const Setup& setup, std::span<const RowIndex> selection,
                                         const Threads& threads) {
  const std::vector<Head> heads = heads_of(selection);
  std::vector<std::vector<RoleRows>> parts(heads.size());
  parallel_for(static_cast<int64_t>(heads.size()), threads, [&](int64_t h, int) {
    parts[static_cast<size_t>(h)] = compute_head(setup, heads[static_cast<size_t>(h)]);
  });
  std::vector<RoleRows> roles;
  roles.push_back(make_rows(Role::o, setup.problem.head_dim, selection.size()));
  roles.push_back(make_rows(Role::lse, 1, selection.size()));
  if (setup.problem.has_backward()) {
    roles.push_back(make_rows(Role::dq, setup.problem.head_dim, selection.size()));
  }
  for (size_t h = 0; h < heads.size(); ++h) {
    for (size_t role = 0; role < roles.size(); ++role) {
      place_rows(heads[h], parts[h][role], roles[role]);
    }
  }
  return roles;
}

}  // namespace attnbench
