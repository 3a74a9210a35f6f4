#include "reference/attention.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"
#include "naive.h"
#include "problems.h"
#include "support/catch.h"

namespace attnbench {
namespace {

constexpr uint64_t kSeed = 11;

RowSelection all_rows(const Problem& problem, int64_t kv_head) {
  RowSelection selection;
  for (int64_t b = 0; b < problem.batch; ++b) {
    for (int64_t h = 0; h < problem.heads; ++h) {
      for (int64_t i = 0; i < problem.seqlen_q; ++i) selection.q_rows.push_back({b, h, i});
    }
  }
  for (int64_t j = 0; j < problem.seqlen_kv; ++j) {
    selection.kv_rows.push_back({problem.batch - 1, kv_head, j});
  }
  return selection;
}

double relative_difference(double a, long double b) {
  if (std::isinf(a) || std::isinf(b)) return a == static_cast<double>(b) ? 0.0 : 1e300;
  return static_cast<double>(std::abs(a - b) / (1 + std::abs(b)));
}

TEST_CASE("the reference equals three loops in long double on every odd problem", "[reference]") {
  for (const Problem& problem : odd_problems()) {
    INFO(to_text(problem));
    Tensors<long double> naive = draw_inputs<long double>(problem, kSeed, 1);
    attend_naively(problem, naive);
    const RowSelection selection = all_rows(problem, problem.kv_heads - 1);
    const ReferenceRows reference = compute_reference(problem, kSeed, 1, selection, 2);
    REQUIRE(reference.roles.size() == 5);
    for (const RoleRows& rows : reference.roles) {
      const std::vector<long double> expected = rows_of(problem, naive, selection, rows.role);
      REQUIRE(rows.values.size() == expected.size());
      double worst = 0.0;
      for (size_t e = 0; e < expected.size(); ++e) {
        worst = std::max(worst, relative_difference(rows.values[e], expected[e]));
      }
      INFO(enum_to_text(kRoles, rows.role));
      CHECK(worst < 1e-10);  // scores of -65504 cost fp64 five digits
    }
  }
}

TEST_CASE("rows that see nothing have O = 0, LSE = -inf and no gradient", "[reference]") {
  const Problem problem = odd_problems()[2];
  REQUIRE(problem.seqlen_q - problem.seqlen_kv == 29);
  RowSelection selection;
  for (const int64_t i : {0, 28, 29}) selection.q_rows.push_back({1, 2, i});
  const ReferenceRows reference = compute_reference(problem, kSeed, 0, selection, 1);
  const std::vector<double>& o = reference.roles[0].values;
  const std::vector<double>& lse = reference.roles[1].values;
  const std::vector<double>& dq = reference.roles[2].values;
  CHECK(std::all_of(o.begin(), o.begin() + 16, [](double x) { return x == 0.0; }));
  CHECK(std::all_of(dq.begin(), dq.begin() + 16, [](double x) { return x == 0.0; }));
  CHECK(lse[0] == -std::numeric_limits<double>::infinity());
  CHECK(lse[1] == -std::numeric_limits<double>::infinity());
  CHECK(std::isfinite(lse[2]));
  CHECK(o[16] != 0.0);
}

TEST_CASE("the naive gradients are the slopes of the naive forward pass", "[reference]") {
  Problem problem = odd_problem(Dtype::fp32, 2, 1, 5, 7, 8);
  problem.causal = Causal::bottom_right;
  problem.bias = Bias::b1;
  problem.inputs.bias_low = -1.0;
  Tensors<long double> exact = draw_inputs<long double>(problem, kSeed, 0);
  attend_naively(problem, exact);
  const auto loss_of = [&](Tensors<long double> tensors) {
    attend_naively(problem, tensors);
    long double loss = 0;
    for (size_t e = 0; e < tensors.o.size(); ++e) loss += tensors.o[e] * tensors.d_o[e];
    return loss;
  };
  constexpr long double kStep = 1e-6L;
  const auto slope = [&](std::vector<long double> Tensors<long double>::*input, size_t e) {
    Tensors<long double> up = exact, down = exact;
    (up.*input)[e] += kStep;
    (down.*input)[e] -= kStep;
    return static_cast<double>((loss_of(up) - loss_of(down)) / (2 * kStep));
  };
  for (const size_t e : {size_t{0}, size_t{9}, size_t{37}, size_t{70}, size_t{100}}) {
    using T = Tensors<long double>;
    CHECK(slope(&T::q, e) == Approx(static_cast<double>(exact.dq[e])).margin(1e-8));
    CHECK(slope(&T::k, e) == Approx(static_cast<double>(exact.dk[e])).margin(1e-8));
    CHECK(slope(&T::v, e) == Approx(static_cast<double>(exact.dv[e])).margin(1e-8));
  }
}

TEST_CASE("the result does not depend on the number of threads", "[reference]") {
  const Problem problem = odd_problems()[7];
  const RowSelection selection = choose_rows(problem, 5, 0, 16);
  const ReferenceRows one = compute_reference(problem, kSeed, 0, selection, 1);
  const ReferenceRows three = compute_reference(problem, kSeed, 0, selection, 3);
  for (size_t role = 0; role < one.roles.size(); ++role) {
    CHECK(one.roles[role].values == three.roles[role].values);
    CHECK(one.roles[role].plain_ratio == three.roles[role].plain_ratio);
  }
  CHECK(one.sums[1].dv_sum == three.sums[1].dv_sum);
}

TEST_CASE("the exact gradients keep both identities", "[reference]") {
  for (const Problem& problem : odd_problems()) {
    INFO(to_text(problem));
    Tensors<long double> naive = draw_inputs<long double>(problem, kSeed, 0);
    attend_naively(problem, naive);
    const ReferenceRows reference = compute_reference(problem, kSeed, 0, {}, 1);
    const std::vector<double> dv = sums_of(problem, naive.dv), dk = sums_of(problem, naive.dk);
    double worst_dv = 0.0, worst_dk = 0.0;
    size_t e = 0;
    for (const HeadSums& sums : reference.sums) {
      for (size_t c = 0; c < sums.dv_sum.size(); ++c, ++e) {
        worst_dv = std::max(worst_dv, std::abs(dv[e] - sums.dv_sum[c]));
        worst_dk = std::max(worst_dk, std::abs(dk[e]));
      }
    }
    REQUIRE(e == dv.size());
    CHECK(worst_dv < 1e-10);
    CHECK(worst_dk < 1e-10);
  }
}

TEST_CASE("the noise model puts the plain implementation's error near 1", "[reference]") {
  for (const Dtype dtype : {Dtype::fp16, Dtype::bf16, Dtype::fp32}) {
    for (const Bias bias : {Bias::none, Bias::b1}) {
      for (const Causal causal : {Causal::none, Causal::top_left}) {
        for (const int64_t head_dim : {8, 64, 256}) {
          Problem problem = odd_problem(dtype, 4, 2, 260, 390, head_dim);
          problem.bias = bias;
          problem.causal = causal;
          const ReferenceRows reference =
              compute_reference(problem, kSeed, 0, choose_rows(problem, 5, 0), 2);
          for (const RoleRows& rows : reference.roles) {
            INFO(to_text(problem) << " " << enum_to_text(kRoles, rows.role));
            CHECK(rows.plain_ratio > 0.2);
            CHECK(rows.plain_ratio < 8.0);
            CHECK(rows.plain_error > 0.0);
          }
        }
      }
    }
  }
}

TEST_CASE("a plain fp32 implementation errs far less than fp16, and fp16 less than bf16",
          "[reference]") {
  double errors[3] = {};
  for (const Dtype dtype : {Dtype::fp32, Dtype::fp16, Dtype::bf16}) {
    const Problem problem = odd_problem(dtype, 2, 2, 100, 100, 64);
    const RowSelection selection = choose_rows(problem, 5, 0);
    const ReferenceRows reference = compute_reference(problem, kSeed, 0, selection, 2);
    errors[dtype == Dtype::fp32   ? 0
           : dtype == Dtype::fp16 ? 1
                                  : 2] = reference.roles[0].plain_error;
  }
  CHECK(errors[0] > 0.0);
  CHECK(errors[0] * 100 < errors[1]);
  CHECK(errors[1] * 3 < errors[2]);
}

TEST_CASE("chosen rows cover ends and edges, differ by secret and lie in few heads",
          "[reference]") {
  Problem problem = odd_problem(Dtype::fp16, 8, 4, 1000, 777, 64);
  const RowSelection selection = choose_rows(problem, 1, 0);
  CHECK(selection.q_rows.size() == 64);
  CHECK(selection.kv_rows.size() == 64);
  std::set<std::pair<int64_t, int64_t>> heads;
  for (const RowIndex& row : selection.q_rows) heads.insert({row.batch, row.head});
  CHECK(heads.size() == 4);
  for (const auto& [batch, head] : heads) {
    std::set<int64_t> indices;
    for (const RowIndex& row : selection.q_rows) {
      if (row.batch == batch && row.head == head) indices.insert(row.index);
    }
    CHECK(indices.count(0) == 1);
    CHECK(indices.count(999) == 1);
    for (const int64_t block : {32, 64, 128}) {
      const bool has_edge = std::any_of(indices.begin(), indices.end(), [&](int64_t i) {
        return i > 0 && i % block == 0 && indices.count(i - 1) == 1;
      });
      CHECK(has_edge);
    }
  }
  CHECK(choose_rows(problem, 1, 0).q_rows == selection.q_rows);
  CHECK(choose_rows(problem, 2, 0).q_rows != selection.q_rows);
  CHECK(choose_rows(problem, 1, 1).kv_rows != selection.kv_rows);
  problem.mode = Mode::fwd;
  CHECK(choose_rows(problem, 1, 0).kv_rows.empty());
}

TEST_CASE("a problem shorter than the selection has all its rows chosen once", "[reference]") {
  const Problem problem = odd_problem(Dtype::fp16, 2, 1, 5, 9, 8);
  const RowSelection selection = choose_rows(problem, 1, 0);
  CHECK(selection.q_rows.size() == 4 * 5);
  CHECK(selection.kv_rows.size() == 9);
}

TEST_CASE("rows outside of the problem, or of two kv heads, are refused", "[reference]") {
  const Problem problem = odd_problem(Dtype::fp16, 2, 2, 5, 9, 8);
  CHECK_THROWS_AS(compute_reference(problem, 1, 0, {{{0, 0, 5}}, {}}, 1), Error);
  CHECK_THROWS_AS(compute_reference(problem, 1, 0, {{{0, 2, 0}}, {}}, 1), Error);
  CHECK_THROWS_AS(compute_reference(problem, 1, 0, {{}, {{0, 0, 0}, {0, 1, 0}}}, 1), Error);
}

}  // namespace
}  // namespace attnbench
