// dK and dV of chosen key rows of one (batch, kv_head).
//
// Each needs P_ij of every query i of the group, hence LSE_i and delta_i of all of them: one whole
// forward pass of each head of the group, by far the most work of the reference. It goes block by
// block over the queries; while a block's LSE and delta are at hand, what its queries contribute to
// the chosen keys is added. There, the matrices are transposed: a row is a key, a column a query.
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "reference/kernels.h"
#include "reference/parallel.h"
#include "reference/parts.h"
#include "tensor/convert.h"

namespace attnbench {
namespace {

constexpr int64_t kBlockRows = 96;  // a multiple of the kernel's rows and of both panels
// Blocks are added up in this many runs, so that the result does not depend on the threads.
constexpr int64_t kMaxRuns = 16;

// The chosen keys of one (batch, kv_head), and all of its keys and values packed for products.
struct Keys {
  int64_t batch = 0, kv_head = 0;
  std::vector<int64_t> indices;
  Matrix<float> k, v;  // the chosen rows
  Packed<double> all_k_transposed, all_v;
};

// A block of queries of one head: its inputs, and what its forward pass leaves for the backward.
struct Block {
  int64_t head = 0, first = 0, rows = 0;
  Matrix<float> q, d_o;
  Matrix<float> bias;  // (chosen key, query)
  // One entry a query. `shift` is LSE, +inf where a row is fully masked: then all P are 0.
  std::vector<double> shift, delta;
  std::vector<float> plain_shift, plain_delta;
  std::vector<double> w2, en2;  // noise.h: w_i^2, and e_i^2 + n_i^2
};

// What a run of blocks adds up to; scale is applied at the end.
struct Sums {
  Matrix<double> dk, dv, dk_noise, dv_noise;
  Matrix<float> plain_dk, plain_dv;
};

// A thread's matrices, kept from block to block.
template <typename T>
struct KeyScratch {
  Matrix<T> k, v, p, ds, product;
  Packed<T> packed;
};
struct Scratch {
  Matrix<double> q, scores, o;
  std::vector<float> bias;
  KeyScratch<double> exact;
  KeyScratch<float> plain;
};

template <typename T>
void add(const Matrix<T>& term, Matrix<T>& sum) {
  if (sum.rows() == 0) {
    sum = term;
    return;
  }
  for (int64_t r = 0; r < sum.rows(); ++r) {
    for (int64_t c = 0; c < sum.columns(); ++c) sum.at(r, c) += term.at(r, c);
  }
}

Keys load_keys(const Setup& setup, std::span<const RowIndex> selection) {
  Keys keys;
  keys.batch = selection.front().batch;
  keys.kv_head = selection.front().head;
  for (const RowIndex& row : selection) keys.indices.push_back(row.index);
  setup.load(Role::k, keys.batch, keys.kv_head, keys.indices, keys.k);
  setup.load(Role::v, keys.batch, keys.kv_head, keys.indices, keys.v);
  Matrix<float> all;
  setup.load(Role::k, keys.batch, keys.kv_head, 0, setup.problem.seqlen_kv, all);
  pack_transposed(all, keys.all_k_transposed);
  setup.load(Role::v, keys.batch, keys.kv_head, 0, setup.problem.seqlen_kv, all);
  pack(all, keys.all_v);
  return keys;
}

// Scores become weights, row by row; the chosen keys' bias is kept for the backward pass.
std::vector<SoftmaxRow<double>> softmax_block(const Setup& setup, const Keys& keys, Block& block,
                                              Scratch& scratch) {
  std::vector<SoftmaxRow<double>> softmax;
  block.bias.reshape(static_cast<int64_t>(keys.indices.size()), block.rows);
  for (int64_t r = 0; r < block.rows; ++r) {
    const int64_t visible = setup.visible_keys(block.first + r);
    const std::span<const float> bias =
        setup.load_bias(keys.batch, block.head, block.first + r, scratch.bias);
    const int64_t count =
        finish_scores(setup.scale, bias, visible, scratch.scores.stride(), scratch.scores.row(r));
    softmax.push_back(softmax_in_place(scratch.scores.row(r), count));
    for (size_t key = 0; key < keys.indices.size(); ++key) {
      const size_t j = static_cast<size_t>(keys.indices[key]);
      block.bias.at(static_cast<int64_t>(key), r) = j < bias.size() ? bias[j] : 0.0f;
    }
  }
  return softmax;
}

// One query: delta = dO . O, exact and from O as stored, and what noise it brings.
void finish_query(const Setup& setup, const SoftmaxRow<double>& softmax, int64_t r,
                  Matrix<double>& o, Block& block) {
  const double value_size = setup.noise.value_size(), u = setup.noise.unit_roundoff();
  const double w2 = setup.noise.weight_squared(softmax.lse);
  // sum_j P^2 V^2, with the typical V for V: exact would cost another product over all keys.
  const double inherited = w2 * value_size * value_size * softmax.sum_of_squares *
                           softmax.inverse_sum * softmax.inverse_sum;
  double delta = 0.0, norm_squared = 0.0, n2 = 0.0;
  float plain_delta = 0.0f;
  for (int64_t c = 0; c < o.columns(); ++c) {
    const double element = o.at(r, c) * softmax.inverse_sum;
    const float d_o = block.d_o.at(r, c);
    const double d_o_squared = static_cast<double>(d_o) * d_o;
    delta += element * d_o;
    plain_delta += round_to(setup.problem.dtype, static_cast<float>(element)) * d_o;
    norm_squared += d_o_squared;
    n2 += d_o_squared * (u * u * element * element + inherited);
  }
  const bool sees_nothing = std::isinf(softmax.lse);
  block.shift.push_back(sees_nothing ? std::numeric_limits<double>::infinity() : softmax.lse);
  block.plain_shift.push_back(static_cast<float>(block.shift.back()));
  block.delta.push_back(delta);
  block.plain_delta.push_back(plain_delta);
  block.w2.push_back(w2);
  block.en2.push_back(n2 + setup.noise.dot_squared(norm_squared));
}

Block attend_block(const Setup& setup, const Keys& keys, int64_t head, int64_t first,
                   Scratch& scratch) {
  Block block;
  block.head = head;
  block.first = first;
  block.rows = std::min(kBlockRows, setup.problem.seqlen_q - first);
  setup.load(Role::q, keys.batch, head, first, block.rows, block.q);
  setup.load(Role::do_, keys.batch, head, first, block.rows, block.d_o);
  copy(block.q, scratch.q);
  multiply(scratch.q, keys.all_k_transposed, scratch.scores);
  const std::vector<SoftmaxRow<double>> softmax = softmax_block(setup, keys, block, scratch);
  multiply(scratch.scores, keys.all_v, scratch.o);
  for (int64_t r = 0; r < block.rows; ++r) {
    finish_query(setup, softmax[static_cast<size_t>(r)], r, scratch.o, block);
  }
  return block;
}

// P and dS of the chosen keys (rows) and the block's queries (columns).
template <typename T>
void weigh_block(const Setup& setup, const Keys& keys, const Block& block,
                 const std::vector<T>& shift, const std::vector<T>& delta, KeyScratch<T>& scratch) {
  copy(keys.k, scratch.k);
  copy(keys.v, scratch.v);
  pack_transposed(block.q, scratch.packed);
  multiply(scratch.k, scratch.packed, scratch.p);
  pack_transposed(block.d_o, scratch.packed);
  multiply(scratch.v, scratch.packed, scratch.ds);
  const bool has_bias = setup.problem.bias != Bias::none;
  for (int64_t key = 0; key < scratch.p.rows(); ++key) {
    T* p = scratch.p.row(key);
    T* ds = scratch.ds.row(key);
    for (int64_t i = 0; i < block.rows; ++i) {
      const bool is_visible =
          keys.indices[static_cast<size_t>(key)] < setup.visible_keys(block.first + i);
      const T bias = has_bias ? static_cast<T>(block.bias.at(key, i)) : T{0};
      const T score = p[i] * static_cast<T>(setup.scale) + bias;
      p[i] =
          is_visible ? score - shift[static_cast<size_t>(i)] : -std::numeric_limits<T>::infinity();
    }
    std::fill(p + block.rows, p + scratch.p.stride(), -std::numeric_limits<T>::infinity());
    exp_in_place(p, scratch.p.stride(), T{0});
    for (int64_t i = 0; i < block.rows; ++i) {
      ds[i] = p[i] * (ds[i] - delta[static_cast<size_t>(i)]);
    }
  }
}

// dV += P dO, dK += dS Q.
template <typename T>
void add_block(const Block& block, KeyScratch<T>& scratch, Matrix<T>& dv, Matrix<T>& dk) {
  pack(block.d_o, scratch.packed);
  multiply(scratch.p, scratch.packed, scratch.product);
  add(scratch.product, dv);
  pack(block.q, scratch.packed);
  multiply(scratch.ds, scratch.packed, scratch.product);
  add(scratch.product, dk);
}

// The same with squares, which is how noise adds up. P and dS become their weights in place.
void add_noise(const NoiseModel& noise, const Block& block, KeyScratch<double>& scratch,
               Sums& sums) {
  for (int64_t key = 0; key < scratch.p.rows(); ++key) {
    for (int64_t i = 0; i < block.rows; ++i) {
      const size_t query = static_cast<size_t>(i);
      double& p = scratch.p.at(key, i);
      double& ds = scratch.ds.at(key, i);
      ds = ds * ds * (block.w2[query] + noise.lost_squared(p)) + p * p * block.en2[query];
      p = p * p * block.w2[query];
    }
  }
  const auto add_squares = [&](const Matrix<double>& weights, const Matrix<float>& rows,
                               Matrix<double>& sum) {
    pack(rows, scratch.packed);
    for (double& element : scratch.packed.elements) element *= element;
    multiply(weights, scratch.packed, scratch.product);
    add(scratch.product, sum);
  };
  add_squares(scratch.p, block.d_o, sums.dv_noise);
  add_squares(scratch.ds, block.q, sums.dk_noise);
}

void run_block(const Setup& setup, const Keys& keys, int64_t head, int64_t first, Scratch& scratch,
               Sums& sums) {
  const Dtype dtype = setup.problem.dtype;
  const Block block = attend_block(setup, keys, head, first, scratch);
  weigh_block(setup, keys, block, block.plain_shift, block.plain_delta, scratch.plain);
  for (int64_t key = 0; key < scratch.plain.p.rows(); ++key) {
    round_in_place(dtype, scratch.plain.p.row_span(key));
    round_in_place(dtype, scratch.plain.ds.row_span(key));
  }
  add_block(block, scratch.plain, sums.plain_dv, sums.plain_dk);
  weigh_block(setup, keys, block, block.shift, block.delta, scratch.exact);
  add_block(block, scratch.exact, sums.dv, sums.dk);
  add_noise(setup.noise, block, scratch.exact, sums);
}

Sums add_up(const Setup& setup, const Keys& keys, const Threads& threads) {
  const int64_t blocks_per_head = (setup.problem.seqlen_q + kBlockRows - 1) / kBlockRows;
  const int64_t blocks = setup.group * blocks_per_head;
  const int64_t run_count = std::min(kMaxRuns, blocks);
  std::vector<Sums> runs(static_cast<size_t>(run_count));
  std::vector<Scratch> scratch(static_cast<size_t>(std::max(1, threads.count)));
  parallel_for(run_count, threads, [&](int64_t run, int worker) {
    for (int64_t b = run * blocks / run_count; b < (run + 1) * blocks / run_count; ++b) {
      const int64_t head = keys.kv_head * setup.group + b / blocks_per_head;
      run_block(setup, keys, head, b % blocks_per_head * kBlockRows,
                scratch[static_cast<size_t>(worker)], runs[static_cast<size_t>(run)]);
    }
  });
  Sums total = std::move(runs.front());
  for (size_t run = 1; run < runs.size(); ++run) {
    add(runs[run].dk, total.dk);
    add(runs[run].dv, total.dv);
    add(runs[run].dk_noise, total.dk_noise);
    add(runs[run].dv_noise, total.dv_noise);
    add(runs[run].plain_dk, total.plain_dk);
    add(runs[run].plain_dv, total.plain_dv);
  }
  return total;
}

RoleRows finish_rows(const Setup& setup, Role role, double scale, const Matrix<double>& sum,
                     const Matrix<double>& noise, const Matrix<float>& plain) {
  RoleRows rows = make_rows(role, sum.columns(), static_cast<size_t>(sum.rows()));
  const int64_t terms = setup.problem.seqlen_q * setup.group;
  for (int64_t r = 0; r < sum.rows(); ++r) {
    for (int64_t c = 0; c < sum.columns(); ++c) {
      const double value = scale * sum.at(r, c);
      const float stored =
          round_to(setup.problem.dtype, static_cast<float>(scale) * plain.at(r, c));
      const double unit =
          setup.noise.of_element(value, scale * scale * noise.at(r, c), scale, terms);
      record_element(static_cast<size_t>(r * sum.columns() + c), value, unit, stored, rows);
    }
  }
  return rows;
}

}  // namespace

std::vector<RoleRows> compute_key_rows(const Setup& setup, std::span<const RowIndex> selection,
                                       const Threads& threads) {
  const Keys keys = load_keys(setup, selection);
  const Sums sums = add_up(setup, keys, threads);
  std::vector<RoleRows> roles;
  roles.push_back(finish_rows(setup, Role::dk, setup.scale, sums.dk, sums.dk_noise, sums.plain_dk));
  roles.push_back(finish_rows(setup, Role::dv, 1.0, sums.dv, sums.dv_noise, sums.plain_dv));
  return roles;
}

}  // namespace attnbench
