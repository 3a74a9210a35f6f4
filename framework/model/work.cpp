#include "model/work.h"

#include <algorithm>

namespace attnbench {
namespace {

// 1 + 2 + ... + last, 0 for what is not positive.
int64_t triangle(int64_t last) {
  return last > 0 ? last * (last + 1) / 2 : 0;
}

}  // namespace

int64_t visible_pairs(const Problem& problem) {
  const int64_t rows = problem.seqlen_q;
  const int64_t keys = problem.seqlen_kv;
  if (problem.causal == Causal::none) return rows * keys;
  // Row i sees i + 1 + offset keys, no fewer than 0 and no more than all.
  const int64_t offset = problem.causal == Causal::bottom_right ? keys - rows : 0;
  const int64_t growing_end = std::min(rows, keys - offset);  // rows before it do not see all yet
  return triangle(growing_end + offset) - triangle(offset) + (rows - growing_end) * keys;
}

double flops(const Problem& problem) {
  const double forward = 4.0 * static_cast<double>(problem.head_dim) *
                         static_cast<double>(visible_pairs(problem)) *
                         static_cast<double>(problem.batch) * static_cast<double>(problem.heads);
  switch (problem.mode) {
    case Mode::fwd:
      return forward;
    case Mode::bwd:
      return 2.5 * forward;
    case Mode::fwd_bwd:
      break;
  }
  return 3.5 * forward;
}

double tensor_bytes(const Problem& problem) {
  const double batch = static_cast<double>(problem.batch);
  const double q_rows = batch * static_cast<double>(problem.heads * problem.seqlen_q);
  const double kv_rows = batch * static_cast<double>(problem.kv_heads * problem.seqlen_kv);
  const double row_bytes = static_cast<double>(problem.head_dim * bytes_of(problem.dtype));
  const double bias_bytes =
      static_cast<double>(problem.bias_batch()) * static_cast<double>(problem.bias_heads()) *
      static_cast<double>(problem.seqlen_q) * static_cast<double>(problem.seqlen_kv) *
      static_cast<double>(bytes_of(problem.dtype));
  const double forward = (2 * q_rows + 2 * kv_rows) * row_bytes + bias_bytes;  // Q O, K V, bias
  if (!problem.has_backward()) return forward;
  const double lse_bytes = q_rows * 4;
  return forward + lse_bytes + (2 * q_rows + 2 * kv_rows) * row_bytes;  // dO dQ, dK dV
}

// Each tensor of the mode is moved once, so today this is the memory they take.
double bytes_moved(const Problem& problem) {
  return tensor_bytes(problem);
}

}  // namespace attnbench
