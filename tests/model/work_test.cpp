#include "model/work.h"

#include <algorithm>

#include "support/catch.h"

using namespace attnbench;

namespace {

int64_t pairs_by_counting(const Problem& problem) {
  const int64_t offset =
      problem.causal == Causal::bottom_right ? problem.seqlen_kv - problem.seqlen_q : 0;
  int64_t pairs = 0;
  for (int64_t i = 0; i < problem.seqlen_q; ++i) {
    for (int64_t j = 0; j < problem.seqlen_kv; ++j) {
      if (problem.causal == Causal::none || j <= i + offset) ++pairs;
    }
  }
  return pairs;
}

}  // namespace

TEST_CASE("visible pairs are counted exactly, whatever the lengths", "[work]") {
  for (const EnumText<Causal>& causal : kCausals) {
    for (int64_t seqlen_q = 1; seqlen_q <= 9; ++seqlen_q) {
      for (int64_t seqlen_kv = 1; seqlen_kv <= 9; ++seqlen_kv) {
        Problem problem;
        problem.causal = causal.value;
        problem.seqlen_q = seqlen_q;
        problem.seqlen_kv = seqlen_kv;
        INFO(to_text(problem));
        CHECK(visible_pairs(problem) == pairs_by_counting(problem));
      }
    }
  }
}

TEST_CASE("FLOPs: 4 S S D H B forward, 2.5 times that backward, 3.5 for both", "[work]") {
  Problem problem;
  problem.batch = 2;
  problem.heads = 16;
  problem.kv_heads = 4;  // sharing K and V saves bytes, no FLOPs
  problem.seqlen_q = 4096;
  problem.seqlen_kv = 8192;
  problem.head_dim = 128;
  const double forward = 4.0 * 2 * 16 * 4096 * 8192 * 128;
  CHECK(flops(problem) == forward);
  problem.mode = Mode::bwd;
  CHECK(flops(problem) == 2.5 * forward);
  problem.mode = Mode::fwd_bwd;
  CHECK(flops(problem) == 3.5 * forward);
  problem.mode = Mode::fwd;
  problem.seqlen_q = 8192;
  problem.causal = Causal::top_left;
  CHECK(flops(problem) == 4.0 * 2 * 16 * 128 * (8192.0 * 8193 / 2));
}

TEST_CASE("bytes: each tensor of the mode once, a broadcast bias as stored", "[work]") {
  Problem problem;
  problem.batch = 2;
  problem.heads = 8;
  problem.kv_heads = 2;
  problem.seqlen_q = 100;
  problem.seqlen_kv = 300;
  problem.head_dim = 64;
  const double q = 2.0 * 8 * 100 * 64 * 2;  // bytes of Q, and of O, dO, dQ
  const double k = 2.0 * 2 * 300 * 64 * 2;  // bytes of K, and of V, dK, dV
  const double lse = 2.0 * 8 * 100 * 4;
  CHECK(bytes_moved(problem) == 2 * q + 2 * k);
  CHECK(tensor_bytes(problem) == 2 * q + 2 * k + lse);
  problem.mode = Mode::bwd;
  CHECK(bytes_moved(problem) == 4 * q + 4 * k + lse);
  problem.mode = Mode::fwd_bwd;
  CHECK(bytes_moved(problem) == 4 * q + 4 * k + lse);
  CHECK(tensor_bytes(problem) == bytes_moved(problem));

  problem.mode = Mode::fwd;
  const double scores = 100.0 * 300 * 2;
  const std::pair<Bias, double> stored[] = {
      {Bias::none, 0}, {Bias::one_one, 1}, {Bias::b1, 2}, {Bias::one_h, 8}, {Bias::bh, 16}};
  for (const auto& [bias, copies] : stored) {
    problem.bias = bias;
    CHECK(bytes_moved(problem) == 2 * q + 2 * k + copies * scores);
  }
  problem.dtype = Dtype::fp32;
  CHECK(bytes_moved(problem) == 2 * (2 * q + 2 * k + 16 * scores));
}

TEST_CASE("the least bytes leave out what the mask hides, but no output", "[work]") {
  Problem problem;
  problem.seqlen_q = 100;
  problem.seqlen_kv = 300;
  problem.bias = Bias::one_one;
  const double row = 64 * 2;
  CHECK(least_bytes(problem) == bytes_moved(problem));

  problem.causal = Causal::top_left;  // keys from 100 on are seen by nobody
  CHECK(least_bytes(problem) == 100 * row + 2 * 100 * row + 2 * visible_pairs(problem) + 100 * row);
  problem.mode = Mode::bwd;  // Q O dO, LSE, K V, bias; dQ, dK dV
  CHECK(least_bytes(problem) == 3 * 100 * row + 100 * 4 + 2 * 100 * row +
                                    2 * visible_pairs(problem) + 100 * row + 2 * 300 * row);

  problem.mode = Mode::fwd;
  problem.causal = Causal::bottom_right;
  std::swap(problem.seqlen_q, problem.seqlen_kv);  // rows before 200 see nothing
  CHECK(least_bytes(problem) == 100 * row + 2 * 100 * row + 2 * visible_pairs(problem) + 300 * row);
}
