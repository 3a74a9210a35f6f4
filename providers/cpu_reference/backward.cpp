// The backward pass, row by row. P comes back from the scores and the given LSE, without a second
// softmax. With dP = dO . V and delta = dO . O, which equals the sum of P * dP over the row,
//   dS = P * (dP - delta),  dQ = scale * dS . K,  dK += scale * dS^T q,  dV += P^T dO
#include <cmath>

#include "attention.h"

namespace cpu_reference {
namespace {

struct Scratch {
  explicit Scratch(const attn_problem& p, void* base)
      : carver(base),
        k(carver.take(p.seqlen_kv * p.head_dim_qk)),
        k_transposed(carver.take(p.seqlen_kv * p.head_dim_qk)),
        v(carver.take(p.seqlen_kv * p.head_dim_v)),
        v_transposed(carver.take(p.seqlen_kv * p.head_dim_v)),
        dk(carver.take(p.seqlen_kv * p.head_dim_qk)),
        dv(carver.take(p.seqlen_kv * p.head_dim_v)),
        probabilities(carver.take(p.seqlen_kv)),
        dp(carver.take(p.seqlen_kv)),
        bias(carver.take(p.seqlen_kv)),
        q(carver.take(p.head_dim_qk)),
        dq(carver.take(p.head_dim_qk)),
        o(carver.take(p.head_dim_v)),
        d_o(carver.take(p.head_dim_v)) {}
  Carver carver;
  float *k, *k_transposed, *v, *v_transposed, *dk, *dv;
  float *probabilities, *dp, *bias, *q, *dq, *o, *d_o;
};

// Adds what query row i of head h gives to dq, dk and dv.
void differentiate_row(const Task& task, const attn::Execution& pass, const Scratch& scratch,
                       int64_t b, int64_t h, int64_t i, float lse) {
  const attn_problem& p = task.problem;
  int64_t count = visible_keys(p, i);
  load_row(pass.tensor(ATTN_ROLE_Q), b, i, h, p.head_dim_qk, scratch.q);
  load_row(pass.tensor(ATTN_ROLE_O), b, i, h, p.head_dim_v, scratch.o);
  load_row(pass.tensor(ATTN_ROLE_DO), b, i, h, p.head_dim_v, scratch.d_o);
  const float* bias = nullptr;
  if (pass.has(ATTN_ROLE_BIAS)) {
    load_row(pass.tensor(ATTN_ROLE_BIAS), b, h, i, count, scratch.bias);
    bias = scratch.bias;
  }
  float* probabilities = scratch.probabilities;
  score_row(task, scratch.q, scratch.k_transposed, bias, count, probabilities);
  for (int64_t j = 0; j < count; ++j) probabilities[j] = std::exp(probabilities[j] - lse);

  float delta = 0;
  for (int64_t d = 0; d < p.head_dim_v; ++d) delta += scratch.d_o[d] * scratch.o[d];
  dot_with_rows(scratch.d_o, p.head_dim_v, scratch.v_transposed, p.seqlen_kv, count, scratch.dp);

  for (int64_t j = 0; j < count; ++j) {
    float scaled_ds = task.scale * probabilities[j] * (scratch.dp[j] - delta);
    add_scaled(scaled_ds, scratch.k + j * p.head_dim_qk, p.head_dim_qk, scratch.dq);
    add_scaled(scaled_ds, scratch.q, p.head_dim_qk, scratch.dk + j * p.head_dim_qk);
    add_scaled(probabilities[j], scratch.d_o, p.head_dim_v, scratch.dv + j * p.head_dim_v);
  }
}

// All query rows of head h of Q.
void differentiate_head(const Task& task, const attn::Execution& pass, const Scratch& scratch,
                        int64_t b, int64_t h) {
  const attn_problem& p = task.problem;
  attn::View<float, 3> lse = pass.tensor(ATTN_ROLE_LSE).view<float, 3>();
  for (int64_t i = 0; i < p.seqlen_q; ++i) {
    std::fill_n(scratch.dq, p.head_dim_qk, 0.0f);
    // A row that sees nothing has LSE = -inf and adds 0; exp(-inf - -inf) would be NaN.
    if (std::isfinite(lse(b, h, i))) {
      differentiate_row(task, pass, scratch, b, h, i, lse(b, h, i));
    }
    store_row(pass.tensor(ATTN_ROLE_DQ), b, i, h, p.head_dim_qk, scratch.dq);
  }
}

}  // namespace

uint64_t backward_workspace_bytes(const attn_problem& problem) {
  return Scratch(problem, nullptr).carver.bytes();
}

void backward(const Task& task, const attn::Execution& pass) {
  const attn_problem& p = task.problem;
  Scratch scratch(p, pass.workspace);
  int64_t heads_per_kv = p.heads_q / p.heads_kv;
  for (int64_t b = 0; b < p.batch; ++b) {
    for (int64_t h_kv = 0; h_kv < p.heads_kv; ++h_kv) {
      load_head(pass.tensor(ATTN_ROLE_K), b, h_kv, scratch.k);
      load_head(pass.tensor(ATTN_ROLE_V), b, h_kv, scratch.v);
      transpose(scratch.k, p.seqlen_kv, p.head_dim_qk, scratch.k_transposed);
      transpose(scratch.v, p.seqlen_kv, p.head_dim_v, scratch.v_transposed);
      std::fill_n(scratch.dk, p.seqlen_kv * p.head_dim_qk, 0.0f);
      std::fill_n(scratch.dv, p.seqlen_kv * p.head_dim_v, 0.0f);
      for (int64_t h = h_kv * heads_per_kv; h < (h_kv + 1) * heads_per_kv; ++h) {
        differentiate_head(task, pass, scratch, b, h);
      }
      for (int64_t j = 0; j < p.seqlen_kv; ++j) {
        const float* dk = scratch.dk + j * p.head_dim_qk;
        const float* dv = scratch.dv + j * p.head_dim_v;
        store_row(pass.tensor(ATTN_ROLE_DK), b, j, h_kv, p.head_dim_qk, dk);
        store_row(pass.tensor(ATTN_ROLE_DV), b, j, h_kv, p.head_dim_v, dv);
      }
    }
  }
}

}  // namespace cpu_reference
