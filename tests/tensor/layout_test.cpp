#include "tensor/layout.h"

#include <set>
#include <string>

#include "base/error.h"
#include "support/catch.h"

namespace attnbench {
namespace {

Problem small_problem() {
  Problem problem;
  problem.batch = 2;
  problem.heads = 6;
  problem.kv_heads = 3;
  problem.seqlen_q = 5;
  problem.seqlen_kv = 7;
  problem.head_dim = 8;
  problem.mode = Mode::fwd_bwd;
  return problem;
}

TEST_CASE("rows of a tensor tile its memory without gap or overlap", "[tensor]") {
  Problem problem = small_problem();
  for (const Layout layout : {Layout::bshd, Layout::bhsd}) {
    problem.layout = layout;
    for (const Role role : {Role::q, Role::k, Role::o, Role::lse, Role::dv, Role::do_}) {
      const TensorLayout tensor = layout_of(problem, role);
      const bool of_lse = role == Role::lse;
      std::set<int64_t> starts;
      for (int64_t b = 0; b < tensor.shape[0]; ++b) {
        for (int64_t h = 0; h < tensor.shape[of_lse ? 1 : 2]; ++h) {
          for (int64_t i = 0; i < tensor.shape[of_lse ? 2 : 1]; ++i) {
            starts.insert(tensor.offset_of(b, h, i));
          }
        }
      }
      INFO(enum_to_text(kRoles, role) << " " << enum_to_text(kLayouts, layout));
      const int64_t row = tensor.row_length();
      REQUIRE(static_cast<int64_t>(starts.size()) * row == tensor.elements_stored);
      CHECK(*starts.begin() == 0);
      CHECK(*starts.rbegin() == tensor.elements_stored - row);
      CHECK(*std::next(starts.begin()) == row);
    }
  }
}

TEST_CASE("the layout decides strides and never shape", "[tensor]") {
  Problem problem = small_problem();
  const TensorLayout bshd = layout_of(problem, Role::k);
  problem.layout = Layout::bhsd;
  const TensorLayout bhsd = layout_of(problem, Role::k);
  CHECK(bshd.shape == std::vector<int64_t>{2, 7, 3, 8});
  CHECK(bhsd.shape == bshd.shape);
  CHECK(bshd.strides == std::vector<int64_t>{168, 24, 8, 1});
  CHECK(bhsd.strides == std::vector<int64_t>{168, 8, 56, 1});
}

TEST_CASE("a bias broadcasts by stride 0 and stores one copy", "[tensor]") {
  Problem problem = small_problem();
  using Numbers = std::vector<int64_t>;
  const int64_t matrix = 5 * 7;
  problem.bias = Bias::b1;
  CHECK(layout_of(problem, Role::bias).strides == Numbers{matrix, 0, 7, 1});
  CHECK(layout_of(problem, Role::bias).elements_stored == 2 * matrix);
  problem.bias = Bias::bh;
  CHECK(layout_of(problem, Role::bias).strides == Numbers{6 * matrix, matrix, 7, 1});
  problem.bias = Bias::one_h;
  CHECK(layout_of(problem, Role::bias).strides == Numbers{0, matrix, 7, 1});
  problem.bias = Bias::one_one;
  CHECK(layout_of(problem, Role::bias).strides == Numbers{0, 0, 7, 1});
  CHECK(layout_of(problem, Role::bias).bytes == matrix * 2);
  CHECK(layout_of(problem, Role::bias).shape == Numbers{2, 6, 5, 7});
  problem.bias = Bias::none;
  CHECK_THROWS_AS(layout_of(problem, Role::bias), Error);
}

TEST_CASE("offsets beyond 32 bits are exact", "[tensor]") {
  Problem problem;
  problem.seqlen_q = problem.seqlen_kv = 131072;
  problem.bias = Bias::one_one;
  const TensorLayout bias = layout_of(problem, Role::bias);
  CHECK(bias.offset_of(0, 0, 131071) == int64_t{131071} * 131072);
  CHECK(bias.bytes == int64_t{131072} * 131072 * 2);
}

TEST_CASE("LSE is fp32 whatever the problem's dtype", "[tensor]") {
  const TensorLayout lse = layout_of(small_problem(), Role::lse);
  CHECK(lse.dtype == Dtype::fp32);
  CHECK(lse.bytes == 2 * 6 * 5 * 4);
}

TEST_CASE("each pass names its inputs and outputs", "[tensor]") {
  using Roles = std::vector<Role>;
  Problem problem = small_problem();
  CHECK(roles_of(problem, Pass::fwd).inputs == Roles{Role::q, Role::k, Role::v});
  problem.bias = Bias::b1;
  CHECK(roles_of(problem, Pass::fwd).inputs.back() == Role::bias);
  CHECK(roles_of(problem, Pass::fwd).outputs == Roles{Role::o, Role::lse});
  CHECK(roles_of(problem, Pass::bwd).inputs ==
        Roles{Role::q, Role::k, Role::v, Role::o, Role::lse, Role::do_, Role::bias});
  CHECK(roles_of(problem, Pass::bwd).outputs == Roles{Role::dq, Role::dk, Role::dv});
}

}  // namespace
}  // namespace attnbench
