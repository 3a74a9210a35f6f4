#include "reference/compare.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "naive.h"
#include "problems.h"
#include "support/catch.h"

namespace attnbench {
namespace {

constexpr uint64_t kSeed = 23;
constexpr Role kOutputs[] = {Role::o, Role::lse, Role::dq, Role::dk, Role::dv};

// A right provider's tensors, and the reference that they are held against.
struct Case {
  explicit Case(const Problem& the_problem, const Mistakes& mistakes = {}, uint32_t variant = 0)
      : problem(the_problem),
        tensors(draw_inputs<float>(problem, kSeed, variant)),
        reference(compute_reference(problem, kSeed, 0, choose_rows(problem, 3, 0), 2)) {
    attend_as_provider(problem, tensors, mistakes);
  }
  std::vector<float> rows(Role role) const {
    return rows_of(problem, tensors, reference.selection, role);
  }
  RowsCheck check(Role role, const std::vector<float>& got) const {
    return compare_rows(reference, role, problem.dtype, got);
  }
  RowsCheck check(Role role) const { return check(role, rows(role)); }
  RowsCheck check_sums(Role role) const {
    return compare_sums(reference, role,
                        sums_of(problem, role == Role::dk ? tensors.dk : tensors.dv));
  }

  Problem problem;
  Tensors<float> tensors;
  ReferenceRows reference;
};

Problem usual_problem(Dtype dtype, Causal causal = Causal::top_left) {
  Problem problem = odd_problem(dtype, 4, 2, 150, 150, 64);
  problem.causal = causal;
  return problem;
}

TEST_CASE("a right provider passes on every odd problem", "[reference]") {
  for (const Problem& problem : odd_problems()) {
    const Case right(problem);
    for (const Role role : kOutputs) {
      const RowsCheck check = right.check(role);
      INFO(to_text(problem) << " " << enum_to_text(kRoles, role) << ": got " << check.got
                            << ", expected " << check.expected << ", allowed "
                            << check.allowed_error);
      CHECK(check.is_right());
      CHECK(check.rows > 0);
    }
    for (const Role role : {Role::dk, Role::dv}) {
      const RowsCheck check = right.check_sums(role);
      INFO(to_text(problem) << " sums of " << enum_to_text(kRoles, role) << ": " << check.error
                            << " of " << check.allowed_error);
      CHECK(check.is_right());
    }
  }
}

TEST_CASE("a dS of P as stored passes, also where P is a subnormal", "[reference]") {
  // The last keys have few queries, and of those with hardly any weight little is left.
  for (const int64_t length : {62, 77, 144}) {
    Problem problem = usual_problem(Dtype::fp16);
    problem.head_dim = 128;
    problem.seqlen_q = problem.seqlen_kv = length;
    Mistakes none;
    none.has_stored_p = true;
    const Case right(problem, none);
    for (const Role role : {Role::dq, Role::dk}) {
      const RowsCheck check = right.check(role);
      INFO("length " << length << ", row " << check.where.index << ": error " << check.error
                     << ", allowed " << check.allowed_error);
      CHECK(check.is_right());
    }
  }
}

TEST_CASE("rows of another head are wrong in every output", "[reference]") {
  for (const Dtype dtype : {Dtype::fp16, Dtype::bf16, Dtype::fp32}) {
    const Case right(usual_problem(dtype));
    RowSelection swapped = right.reference.selection;
    for (RowIndex& row : swapped.q_rows) row.head = (row.head + 1) % 4;
    for (RowIndex& row : swapped.kv_rows) row.head = (row.head + 1) % 2;
    for (const Role role : kOutputs) {
      CHECK_FALSE(
          right.check(role, rows_of(right.problem, right.tensors, swapped, role)).is_right());
    }
  }
}

TEST_CASE("a mask that is off by one is wrong in every output", "[reference]") {
  for (const Dtype dtype : {Dtype::fp16, Dtype::bf16, Dtype::fp32}) {
    for (const int64_t shift : {1, -1}) {
      const Case wrong(usual_problem(dtype), {.mask_shift = shift});
      for (const Role role : kOutputs) CHECK_FALSE(wrong.check(role).is_right());
    }
  }
}

TEST_CASE("a missing or slightly wrong scale is wrong in every output", "[reference]") {
  for (const Dtype dtype : {Dtype::fp16, Dtype::bf16, Dtype::fp32}) {
    for (const float factor : {8.0f, 1.05f}) {
      const Case wrong(usual_problem(dtype), {.scale_factor = factor});
      for (const Role role : kOutputs) CHECK_FALSE(wrong.check(role).is_right());
    }
  }
}

TEST_CASE("rows left over from the other inputs are wrong", "[reference]") {
  const Case stale(usual_problem(Dtype::bf16), {}, 1);
  for (const Role role : kOutputs) CHECK_FALSE(stale.check(role).is_right());
  CHECK_FALSE(stale.check_sums(Role::dv).is_right());
}

TEST_CASE("one NaN is found and named", "[reference]") {
  const Case right(usual_problem(Dtype::fp16));
  std::vector<float> rows = right.rows(Role::dq);
  rows[64 * 20 + 7] = std::numeric_limits<float>::quiet_NaN();
  const RowsCheck check = right.check(Role::dq, rows);
  CHECK(check.has_unexpected_nan);
  CHECK_FALSE(check.is_right());
  CHECK(check.where == right.reference.selection.q_rows[20]);
  CHECK(check.column == 7);
}

TEST_CASE("one wrong row is found and named, however small its values", "[reference]") {
  Problem problem = usual_problem(Dtype::bf16);
  problem.inputs.stddev = 0.5;  // nearly flat attention: late rows are much smaller than early ones
  const Case right(problem);
  REQUIRE(right.check(Role::o).is_right());
  for (size_t wrong = 0; wrong < right.reference.selection.q_rows.size(); ++wrong) {
    std::vector<float> rows = right.rows(Role::o);
    const size_t other = (wrong + 1) % right.reference.selection.q_rows.size();
    std::copy_n(rows.begin() + static_cast<int64_t>(other * 64), 64,
                rows.begin() + static_cast<int64_t>(wrong * 64));
    const RowsCheck check = right.check(Role::o, rows);
    CHECK_FALSE(check.is_right());
    CHECK(check.where == right.reference.selection.q_rows[wrong]);
  }
}

TEST_CASE("an error of 30 units in the last place of one element is wrong", "[reference]") {
  for (const Dtype dtype : {Dtype::fp16, Dtype::bf16}) {
    const Case right(usual_problem(dtype, Causal::none));
    const float ulp = dtype == Dtype::fp16 ? 0x1p-10f : 0x1p-7f;
    for (const Role role : {Role::o, Role::dv}) {
      std::vector<float> rows = right.rows(role);
      float& largest = *std::max_element(rows.begin(), rows.end());
      largest *= 1.0f + 30.0f * ulp;
      CHECK_FALSE(right.check(role, rows).is_right());
    }
  }
}

TEST_CASE("a masked row must be exactly empty", "[reference]") {
  const Case right(odd_problems()[2]);
  const std::vector<RowIndex>& selected = right.reference.selection.q_rows;
  const auto masked = std::find_if(selected.begin(), selected.end(),
                                   [](const RowIndex& row) { return row.index < 29; });
  REQUIRE(masked != selected.end());
  const size_t row = static_cast<size_t>(masked - selected.begin());
  for (const float wrong : {-1e30f, 0.0f, std::numeric_limits<float>::infinity()}) {
    std::vector<float> lse = right.rows(Role::lse);
    REQUIRE(lse[row] == -std::numeric_limits<float>::infinity());
    lse[row] = wrong;
    CHECK_FALSE(right.check(Role::lse, lse).is_right());
  }
  std::vector<float> o = right.rows(Role::o);
  o[row * 8] = 1e-3f;
  CHECK_FALSE(right.check(Role::o, o).is_right());
}

TEST_CASE("an output that was never written is wrong", "[reference]") {
  const Case right(usual_problem(Dtype::bf16));
  for (const Role role : kOutputs) {
    CHECK_FALSE(right.check(role, std::vector<float>(right.rows(role).size())).is_right());
  }
}

TEST_CASE("the identities see a head that nobody checks row by row", "[reference]") {
  for (const Dtype dtype : {Dtype::fp16, Dtype::bf16, Dtype::fp32}) {
    Case wrong(usual_problem(dtype));
    REQUIRE(wrong.check_sums(Role::dv).is_right());
    REQUIRE(wrong.check_sums(Role::dk).is_right());
    const RowIndex checked = wrong.reference.selection.kv_rows.front();
    const RowIndex other{checked.batch, 1 - checked.head, 70};
    std::fill_n(wrong.tensors.dv.begin() + row_offset(wrong.problem, Role::dv, other), 64, 0.0f);
    for (RowIndex row = other; row.index < other.index + 32; ++row.index) {  // a tile
      std::fill_n(wrong.tensors.dk.begin() + row_offset(wrong.problem, Role::dk, row), 64, 0.0f);
    }
    CHECK(wrong.check(Role::dv).is_right());
    const RowsCheck dv = wrong.check_sums(Role::dv);
    CHECK_FALSE(dv.is_right());
    CHECK(dv.where.head == other.head);
    CHECK_FALSE(wrong.check_sums(Role::dk).is_right());
  }
}

TEST_CASE("what overflows the dtype must be infinite", "[reference]") {
  Problem problem = odd_problem(Dtype::fp16, 1, 1, 40, 1, 8);
  problem.inputs.stddev = 10000.0;  // dV sums 40 rows of dO
  problem.scale = 1e-12;            // while scores stay small
  const Case right(problem);
  const std::vector<float> rows = right.rows(Role::dv);
  REQUIRE(std::any_of(rows.begin(), rows.end(), [](float x) { return std::isinf(x); }));
  CHECK(right.check(Role::dv).is_right());
  std::vector<float> wrong = rows;
  for (float& element : wrong) element = std::isinf(element) ? -element : element;
  CHECK_FALSE(right.check(Role::dv, wrong).is_right());
}

TEST_CASE("the wrong number of rows is an error, not a verdict", "[reference]") {
  const Case right(usual_problem(Dtype::fp32));
  CHECK_THROWS_AS(right.check(Role::o, std::vector<float>(3)), Error);
  CHECK_THROWS_AS(right.check(Role::q, {}), Error);
  CHECK_THROWS_AS(compare_sums(right.reference, Role::dv, std::vector<double>(3)), Error);
}

}  // namespace
}  // namespace attnbench
