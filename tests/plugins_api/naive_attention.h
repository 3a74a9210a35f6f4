// Attention in double, straight from the formulas of provider.h: no tricks, so that it can be
// believed. It reads the inputs as stored, and its results are what a provider must come close to.
#pragma once

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "plugins_api/request.h"
#include "support/catch.h"

namespace attnbench {

class NaiveAttention {
 public:
  explicit NaiveAttention(const Request& request)
      : r_(request), c_(request.c), scale_(1 / std::sqrt(static_cast<double>(c_.head_dim_qk))) {
    o_.resize(size(c_.seqlen_q, c_.heads_q, c_.head_dim_v));
    lse_.resize(size(c_.seqlen_q, c_.heads_q, 1));
    dq_.resize(size(c_.seqlen_q, c_.heads_q, c_.head_dim_qk));
    dk_.resize(size(c_.seqlen_kv, c_.heads_kv, c_.head_dim_qk));
    dv_.resize(size(c_.seqlen_kv, c_.heads_kv, c_.head_dim_v));
    for (int64_t b = 0; b < c_.batch; ++b)
      for (int64_t h = 0; h < c_.heads_q; ++h)
        for (int64_t i = 0; i < c_.seqlen_q; ++i) compute_row(b, h, i);
  }

  // The value at the place (b, s, h, d) of a tensor with that role; LSE is asked as (b, h, i, 0).
  double get(int32_t role, int64_t b, int64_t s, int64_t h, int64_t d) const {
    int64_t group_heads = role == ATTN_ROLE_DK || role == ATTN_ROLE_DV ? c_.heads_kv : c_.heads_q;
    int64_t seqlen = group_heads == c_.heads_q && role != ATTN_ROLE_DK && role != ATTN_ROLE_DV
                         ? c_.seqlen_q
                         : c_.seqlen_kv;
    if (role == ATTN_ROLE_LSE) std::swap(s, h);
    const std::vector<double>& all = role == ATTN_ROLE_O     ? o_
                                     : role == ATTN_ROLE_LSE ? lse_
                                     : role == ATTN_ROLE_DQ  ? dq_
                                     : role == ATTN_ROLE_DK  ? dk_
                                                             : dv_;
    int64_t dim = static_cast<int64_t>(all.size()) / (c_.batch * seqlen * group_heads);
    return all[place(b, s, h, d, seqlen, group_heads, dim)];
  }

 private:
  std::size_t size(int64_t seqlen, int64_t heads, int64_t dim) const {
    return static_cast<std::size_t>(c_.batch * seqlen * heads * dim);
  }
  static std::size_t place(int64_t b, int64_t s, int64_t h, int64_t d, int64_t seqlen,
                           int64_t heads, int64_t dim) {
    return static_cast<std::size_t>(((b * seqlen + s) * heads + h) * dim + d);
  }
  bool is_visible(int64_t i, int64_t j) const {
    if (c_.mask == ATTN_MASK_NONE) return true;
    bool is_bottom_right = c_.mask == ATTN_MASK_CAUSAL_BOTTOM_RIGHT;
    return j <= (is_bottom_right ? i + c_.seqlen_kv - c_.seqlen_q : i);
  }
  void compute_row(int64_t b, int64_t h, int64_t i);

  const Request& r_;
  const Case& c_;
  double scale_;
  std::vector<double> o_, lse_, dq_, dk_, dv_;
};

inline void NaiveAttention::compute_row(int64_t b, int64_t h, int64_t i) {
  const double kMinusInfinity = -std::numeric_limits<double>::infinity();
  int64_t h_kv = h / (c_.heads_q / c_.heads_kv);
  const StoredTensor &q = r_.at(ATTN_ROLE_Q), &k = r_.at(ATTN_ROLE_K), &v = r_.at(ATTN_ROLE_V);
  std::vector<double> scores(static_cast<std::size_t>(c_.seqlen_kv), kMinusInfinity);
  double sum = 0, maximum = kMinusInfinity;
  for (int64_t j = 0; j < c_.seqlen_kv; ++j) {
    if (!is_visible(i, j)) continue;
    double dot = 0;
    for (int64_t d = 0; d < c_.head_dim_qk; ++d) dot += q.get(b, i, h, d) * k.get(b, j, h_kv, d);
    double& s = scores[static_cast<std::size_t>(j)];
    s = scale_ * dot + (c_.has_bias ? r_.at(ATTN_ROLE_BIAS).get(b, h, i, j) : 0);
    maximum = std::max(maximum, s);
  }
  for (double s : scores) sum += s == kMinusInfinity ? 0 : std::exp(s - maximum);
  double lse = sum > 0 ? maximum + std::log(sum) : kMinusInfinity;
  lse_[place(b, i, h, 0, c_.seqlen_q, c_.heads_q, 1)] = lse;
  std::vector<double> p;
  for (double s : scores) p.push_back(s == kMinusInfinity ? 0 : std::exp(s - lse));

  double delta = 0;
  for (int64_t d = 0; d < c_.head_dim_v; ++d) {
    double& o = o_[place(b, i, h, d, c_.seqlen_q, c_.heads_q, c_.head_dim_v)];
    for (int64_t j = 0; j < c_.seqlen_kv; ++j)
      o += p[static_cast<std::size_t>(j)] * v.get(b, j, h_kv, d);
    if (c_.op == ATTN_OP_BWD) delta += r_.at(ATTN_ROLE_DO).get(b, i, h, d) * o;
  }
  if (c_.op != ATTN_OP_BWD) return;
  const StoredTensor& d_o = r_.at(ATTN_ROLE_DO);
  for (int64_t j = 0; j < c_.seqlen_kv; ++j) {
    double pj = p[static_cast<std::size_t>(j)], dp = 0;
    for (int64_t d = 0; d < c_.head_dim_v; ++d) {
      dp += d_o.get(b, i, h, d) * v.get(b, j, h_kv, d);
      dv_[place(b, j, h_kv, d, c_.seqlen_kv, c_.heads_kv, c_.head_dim_v)] +=
          pj * d_o.get(b, i, h, d);
    }
    double ds = scale_ * pj * (dp - delta);
    for (int64_t d = 0; d < c_.head_dim_qk; ++d) {
      dq_[place(b, i, h, d, c_.seqlen_q, c_.heads_q, c_.head_dim_qk)] += ds * k.get(b, j, h_kv, d);
      dk_[place(b, j, h_kv, d, c_.seqlen_kv, c_.heads_kv, c_.head_dim_qk)] +=
          ds * q.get(b, i, h, d);
    }
  }
}

// Gives a backward request the O and LSE that its inputs imply.
inline void fill_forward_results(Request& request) {
  NaiveAttention naive(request);
  for (int32_t role : {ATTN_ROLE_O, ATTN_ROLE_LSE}) {
    StoredTensor& tensor = request.at(role);
    tensor.for_each([&](int64_t a, int64_t b, int64_t c, int64_t d) {
      tensor.set(a, b, c, d, naive.get(role, a, b, c, d));
    });
  }
}

// CHECKs every output of `request`: |got - want| <= tolerance * (1 + |want|), infinities equal.
inline void check_outputs(const Request& request, double tolerance) {
  NaiveAttention naive(request);
  for (const StoredTensor& tensor : request.tensors) {
    if (!attn::detail::is_output(request.c.op, tensor.role)) continue;
    double worst = 0;
    tensor.for_each([&](int64_t a, int64_t b, int64_t c, int64_t d) {
      double got = tensor.get(a, b, c, d), want = naive.get(tensor.role, a, b, c, d);
      double error = got == want ? 0 : std::abs(got - want) / (1 + std::abs(want));
      worst = std::isnan(error) ? std::numeric_limits<double>::infinity() : std::max(worst, error);
    });
    INFO("worst error of " << attn::detail::role_name(tensor.role));
    CHECK(worst <= tolerance);
  }
}

}  // namespace attnbench
