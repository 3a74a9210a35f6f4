// Small, odd problems that together meet every mask, bias, grouping and dtype, and every remainder
// of blocks and panels.
#pragma once

#include <string>
#include <vector>

#include "model/problem.h"

namespace attnbench {

inline Problem odd_problem(Dtype dtype, int64_t heads, int64_t kv_heads, int64_t seqlen_q,
                           int64_t seqlen_kv, int64_t head_dim) {
  Problem problem;
  problem.mode = Mode::fwd_bwd;
  problem.dtype = dtype;
  problem.batch = 2;
  problem.heads = heads;
  problem.kv_heads = kv_heads;
  problem.seqlen_q = seqlen_q;
  problem.seqlen_kv = seqlen_kv;
  problem.head_dim = head_dim;
  return problem;
}

inline std::vector<Problem> odd_problems() {
  std::vector<Problem> problems;
  problems.push_back(odd_problem(Dtype::fp32, 4, 2, 33, 57, 40));
  problems.back().bias = Bias::b1;
  problems.back().inputs.bias_stddev = 1.0;
  problems.push_back(odd_problem(Dtype::fp16, 3, 1, 57, 33, 24));
  problems.back().bias = Bias::bh;
  problems.back().causal = Causal::top_left;
  problems.push_back(odd_problem(Dtype::bf16, 4, 4, 50, 21, 8));  // 29 rows fully masked
  problems.back().bias = Bias::one_h;
  problems.back().causal = Causal::bottom_right;
  problems.push_back(odd_problem(Dtype::fp32, 2, 1, 29, 70, 16));
  problems.back().causal = Causal::bottom_right;
  problems.back().scale = 0.5;
  problems.push_back(odd_problem(Dtype::fp16, 2, 2, 9, 3, 8));  // rows fully masked by the bias
  problems.back().bias = Bias::one_one;
  problems.back().inputs.bias_low = -1e6;  // -inf in fp16
  problems.back().inputs.bias_low_fraction = 0.8;
  problems.push_back(odd_problem(Dtype::bf16, 1, 1, 1, 1, 8));
  problems.push_back(odd_problem(Dtype::fp32, 1, 1, 1, 300, 96));
  problems.push_back(odd_problem(Dtype::fp16, 2, 1, 200, 300, 72));  // more than a block of each
  problems.back().bias = Bias::b1;
  problems.push_back(odd_problem(Dtype::bf16, 2, 2, 300, 130, 64));
  return problems;
}

}  // namespace attnbench
