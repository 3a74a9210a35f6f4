// The forward pass, row by row:
//   s = scale * q . K + bias,  p = exp(s - max s),  O = (p . V) / sum p,  LSE = max s + ln sum p
#include <cmath>
#include <limits>

#include "attention.h"

namespace cpu_reference {
namespace {

constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

struct Scratch {
  explicit Scratch(const attn_problem& p, void* base)
      : carver(base),
        k(carver.take(p.seqlen_kv * p.head_dim_qk)),
        k_transposed(carver.take(p.seqlen_kv * p.head_dim_qk)),
        v(carver.take(p.seqlen_kv * p.head_dim_v)),
        scores(carver.take(p.seqlen_kv)),
        bias(carver.take(p.seqlen_kv)),
        q(carver.take(p.head_dim_qk)),
        o(carver.take(p.head_dim_v)) {}
  Carver carver;
  float *k, *k_transposed, *v, *scores, *bias, *q, *o;
};

// Turns scores into exp(score - maximum), and returns the maximum and their sum. The maximum is
// taken out because exp(89) overflows; any other number would give the same quotient.
struct Softmax {
  float maximum;
  double sum;
};
Softmax exponentiate(float* scores, int64_t count) {
  float maximum = kMinusInfinity;
  for (int64_t j = 0; j < count; ++j) maximum = std::max(maximum, scores[j]);
  if (maximum == kMinusInfinity) return {maximum, 0};
  double sum = 0;
  for (int64_t j = 0; j < count; ++j) sum += scores[j] = std::exp(scores[j] - maximum);
  return {maximum, sum};
}

// Query row i of head h; returns its LSE. A row that sees nothing has O = 0 and LSE = -inf.
float attend(const Task& task, const attn::Execution& pass, const Scratch& scratch, int64_t b,
             int64_t h, int64_t i) {
  const attn_problem& p = task.problem;
  int64_t count = visible_keys(p, i);
  load_row(pass.tensor(ATTN_ROLE_Q), b, i, h, p.head_dim_qk, scratch.q);
  const float* bias = nullptr;
  if (pass.has(ATTN_ROLE_BIAS)) {
    load_row(pass.tensor(ATTN_ROLE_BIAS), b, h, i, count, scratch.bias);
    bias = scratch.bias;
  }
  score_row(task, scratch.q, scratch.k_transposed, bias, count, scratch.scores);
  Softmax softmax = exponentiate(scratch.scores, count);

  std::fill_n(scratch.o, p.head_dim_v, 0.0f);
  float lse = kMinusInfinity;
  if (softmax.sum > 0) {
    for (int64_t j = 0; j < count; ++j) {
      add_scaled(scratch.scores[j], scratch.v + j * p.head_dim_v, p.head_dim_v, scratch.o);
    }
    float normaliser = static_cast<float>(1 / softmax.sum);
    for (int64_t d = 0; d < p.head_dim_v; ++d) scratch.o[d] *= normaliser;
    lse = static_cast<float>(softmax.maximum + std::log(softmax.sum));
  }
  store_row(pass.tensor(ATTN_ROLE_O), b, i, h, p.head_dim_v, scratch.o);
  return lse;
}

}  // namespace

uint64_t forward_workspace_bytes(const attn_problem& problem) {
  return Scratch(problem, nullptr).carver.bytes();
}

void forward(const Task& task, const attn::Execution& pass) {
  const attn_problem& p = task.problem;
  Scratch scratch(p, pass.workspace);
  int64_t heads_per_kv = p.heads_q / p.heads_kv;
  bool writes_lse = pass.has(ATTN_ROLE_LSE);
  for (int64_t b = 0; b < p.batch; ++b) {
    for (int64_t h_kv = 0; h_kv < p.heads_kv; ++h_kv) {
      load_head(pass.tensor(ATTN_ROLE_K), b, h_kv, scratch.k);
      load_head(pass.tensor(ATTN_ROLE_V), b, h_kv, scratch.v);
      transpose(scratch.k, p.seqlen_kv, p.head_dim_qk, scratch.k_transposed);
      for (int64_t h = h_kv * heads_per_kv; h < (h_kv + 1) * heads_per_kv; ++h) {
        for (int64_t i = 0; i < p.seqlen_q; ++i) {
          float lse = attend(task, pass, scratch, b, h, i);
          if (writes_lse) pass.tensor(ATTN_ROLE_LSE).view<float, 3>()(b, h, i) = lse;
        }
      }
    }
  }
}

}  // namespace cpu_reference
