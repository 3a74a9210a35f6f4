#include "model/work.h"

#include <algorithm>

namespace attnbench {
namespace {

// 1 + 2 + ... + last, 0 for what is not positive.
int64_t triangle(int64_t last) {
  return last > 0 ? last * (last + 1) / 2 : 0;
}

constexpr double kLseBytes = 4;  // a row: always fp32

// What is read of each head's inputs: rows of Q (and O, LSE, dO), rows of K and V, entries of the
// bias.
struct Rows {
  int64_t queries, keys;
  double bias_entries;
};

// Each tensor of the mode once. Outputs are written whole, whatever was read.
double bytes(const Problem& problem, const Rows& read) {
  const double q_heads = static_cast<double>(problem.batch) * static_cast<double>(problem.heads);
  const double kv_heads =
      static_cast<double>(problem.batch) * static_cast<double>(problem.kv_heads);
  const double element = static_cast<double>(bytes_of(problem.dtype));
  const double row = static_cast<double>(problem.head_dim) * element;
  const double q_read = q_heads * static_cast<double>(read.queries);
  const double q_written = q_heads * static_cast<double>(problem.seqlen_q);
  const double kv_read = kv_heads * static_cast<double>(read.keys);
  const double kv_written = kv_heads * static_cast<double>(problem.seqlen_kv);
  const double bias = static_cast<double>(problem.bias_batch()) *
                      static_cast<double>(problem.bias_heads()) * read.bias_entries * element;
  const double inputs = (q_read + 2 * kv_read) * row + bias;       // Q, K V, bias
  if (problem.mode == Mode::fwd) return inputs + q_written * row;  // O
  // fwd_bwd writes O and LSE itself, bwd is given them.
  const double o_rows = problem.mode == Mode::bwd ? q_read : q_written;
  return inputs + o_rows * (row + kLseBytes) + q_read * row +  // O LSE, dO
         (q_written + 2 * kv_written) * row;                   // dQ, dK dV
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

double bytes_moved(const Problem& problem) {
  const Rows all{problem.seqlen_q, problem.seqlen_kv,
                 static_cast<double>(problem.seqlen_q) * static_cast<double>(problem.seqlen_kv)};
  return bytes(problem, all);
}

double tensor_bytes(const Problem& problem) {
  if (problem.has_backward()) return bytes_moved(problem);
  const double lse_rows = static_cast<double>(problem.batch) * static_cast<double>(problem.heads) *
                          static_cast<double>(problem.seqlen_q);
  return bytes_moved(problem) + lse_rows * kLseBytes;
}

double least_bytes(const Problem& problem) {
  const int64_t shorter = std::min(problem.seqlen_q, problem.seqlen_kv);
  Rows visible{problem.seqlen_q, problem.seqlen_kv, static_cast<double>(visible_pairs(problem))};
  // The last row of bottom_right sees all keys, but its first rows may see none; in top_left it is
  // the other way about.
  if (problem.causal == Causal::top_left) visible.keys = shorter;
  if (problem.causal == Causal::bottom_right) visible.queries = shorter;
  return bytes(problem, visible);
}

}  // namespace attnbench
