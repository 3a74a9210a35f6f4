#include "validate/finite_differences.h"

#include "reference/attention.h"
#include "support/catch.h"

namespace attnbench {
namespace {

Problem tiny(Causal causal, Bias bias) {
  Problem problem;
  problem.mode = Mode::bwd;
  problem.dtype = Dtype::fp32;
  problem.heads = 2;
  problem.kv_heads = 1;
  problem.seqlen_q = 5;
  problem.seqlen_kv = 4;
  problem.head_dim = 8;
  problem.causal = causal;
  problem.bias = bias;
  problem.inputs.stddev = 1.0;
  problem.inputs.bias_low = -1e300;  // -inf: with so few keys, some rows see none
  problem.inputs.bias_low_fraction = 0.5;
  return problem;
}

RowSelection all_rows(const Problem& problem) {
  RowSelection selection;
  for (int64_t h = 0; h < problem.heads; ++h) {
    for (int64_t i = 0; i < problem.seqlen_q; ++i) selection.q_rows.push_back({0, h, i});
  }
  for (int64_t j = 0; j < problem.seqlen_kv; ++j) selection.kv_rows.push_back({0, 0, j});
  return selection;
}

}  // namespace

// Two witnesses that share nothing but the inputs.
TEST_CASE("the fp64 reference's gradients are the slopes of the forward formula", "[validate]") {
  for (const Causal causal : {Causal::none, Causal::top_left, Causal::bottom_right}) {
    for (const Bias bias : {Bias::none, Bias::bh, Bias::one_h}) {
      const Problem problem = tiny(causal, bias);
      const Gradients slopes = slopes_of(problem, 5);
      const ReferenceRows reference = compute_reference(problem, 5, 0, all_rows(problem), 1);
      for (const RoleRows& rows : reference.roles) {
        if (rows.role == Role::o || rows.role == Role::lse) continue;
        const std::vector<double>& expected = rows.role == Role::dq   ? slopes.dq
                                              : rows.role == Role::dk ? slopes.dk
                                                                      : slopes.dv;
        REQUIRE(rows.values.size() == expected.size());
        double worst = 0.0, largest = 0.0;
        for (size_t e = 0; e < expected.size(); ++e) {
          worst = std::max(worst, std::abs(rows.values[e] - expected[e]));
          largest = std::max(largest, std::abs(expected[e]));
        }
        INFO(to_text(problem) << ", " << enum_to_text(kRoles, rows.role));
        CHECK(worst < 1e-5);
        CHECK(largest > 0.1);
      }
    }
  }
}

}  // namespace attnbench
