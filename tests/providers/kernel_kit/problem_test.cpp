// From attnbench's question to what a kernel is told.
#include "kernel_kit/problem.h"

#include <cmath>

#include "kernel_kit/flash_provider.h"
#include "support/catch.h"

namespace kernel_kit {
namespace {

const attn::Descriptor& descriptor() {
  static const attn::Descriptor made = FlashProvider::descriptor("test", "Test", "for tests");
  return made;
}

attn::TensorSpec rows(int32_t role, int64_t seqlen, int64_t heads, int64_t head_dim) {
  return {.role = role,
          .dtype = attn::kFp16,
          .ndim = 4,
          .shape = {2, seqlen, heads, head_dim},
          .strides = {seqlen * heads * head_dim, heads * head_dim, head_dim, 1}};
}

// 2 batches, 6 heads on 3, 40 rows on 56 keys of 72 columns, a bias (1, H, Sq, Skv).
attn::PlanRequest example() {
  attn::PlanRequest request;
  request.options = attn::Options(descriptor().options);
  attn_problem& p = request.problem;
  p.op = ATTN_OP_FWD;
  p.features = ATTN_FEATURE_BIAS | ATTN_FEATURE_GQA | ATTN_FEATURE_LSE;
  p.batch = 2;
  p.heads_q = 6;
  p.heads_kv = 3;
  p.seqlen_q = 40;
  p.seqlen_kv = 56;
  p.head_dim_qk = p.head_dim_v = 72;
  request.specs = {rows(ATTN_ROLE_Q, 40, 6, 72),
                   rows(ATTN_ROLE_K, 56, 3, 72),
                   rows(ATTN_ROLE_V, 56, 3, 72),
                   rows(ATTN_ROLE_O, 40, 6, 72),
                   {.role = ATTN_ROLE_BIAS,
                    .dtype = attn::kFp16,
                    .ndim = 4,
                    .shape = {2, 6, 40, 56},
                    .strides = {0, 40 * 56, 56, 1}},
                   {.role = ATTN_ROLE_LSE,
                    .dtype = attn::kFp32,
                    .ndim = 3,
                    .shape = {2, 6, 40},
                    .strides = {6 * 40, 40, 1}}};
  return request;
}

TEST_CASE("strides of heads and rows are told apart, those of a bias too", "[problem]") {
  REQUIRE(check_request(example()).status == ATTN_OK);
  const Problem problem = problem_of(example());
  const AttentionArguments& a = problem.arguments;
  CHECK(a.q.batch_stride == 40 * 6 * 72);
  CHECK(a.q.head_stride == 72);
  CHECK(a.q.row_stride == 6 * 72);
  CHECK(a.k.row_stride == 3 * 72);
  CHECK(a.bias.batch_stride == 0);
  CHECK(a.bias.head_stride == 40 * 56);
  CHECK(a.bias.row_stride == 56);
  CHECK(a.lse_batch_stride == 6 * 40);
  CHECK(a.lse_head_stride == 40);
  CHECK(a.heads == 6);
  CHECK(problem.group() == 2);
  CHECK(a.scale == Approx(1 / std::sqrt(72.0)));
  CHECK(problem.row_alignment_bytes == 16);
  CHECK(problem.bias_row_alignment_bytes == 16);
}

TEST_CASE("a bias may begin its rows anywhere; other rows may not", "[problem]") {
  attn::PlanRequest request = example();
  request.specs[4].strides = {0, 40 * 57, 57, 1};
  CHECK(check_request(request).status == ATTN_OK);
  CHECK(problem_of(request).bias_row_alignment_bytes == 2);
  request.specs[1].strides[1] = 3 * 72 + 4;
  const attn::Answer answer = check_request(request);
  CHECK(answer.status == ATTN_UNSUPPORTED_LAYOUT);
  CHECK(answer.message == "rows of K begin at multiples of 8 B, need 16");
}

TEST_CASE("causal from the bottom right shifts the diagonal, up or down", "[problem]") {
  attn::PlanRequest request = example();
  request.problem.mask = ATTN_MASK_CAUSAL_TOP_LEFT;
  CHECK(problem_of(request).arguments.diagonal == 0);
  request.problem.mask = ATTN_MASK_CAUSAL_BOTTOM_RIGHT;
  CHECK(problem_of(request).arguments.diagonal == 16);
  request.problem.seqlen_kv = 30;
  CHECK(problem_of(request).arguments.diagonal == -10);
}

TEST_CASE("what no kernel of ours serves is refused with the figure", "[problem]") {
  const auto answer_to = [](auto bend) {
    attn::PlanRequest request = example();
    bend(request);
    return check_request(request);
  };
  const attn::Answer odd =
      answer_to([](attn::PlanRequest& r) { r.problem.head_dim_qk = r.problem.head_dim_v = 37; });
  CHECK(odd.status == ATTN_UNSUPPORTED_SHAPE);
  CHECK(odd.message == "head_dim is 37, not a multiple of 8 up to 256");
  const attn::Answer unequal = answer_to([](attn::PlanRequest& r) { r.problem.head_dim_v = 64; });
  CHECK(unequal.status == ATTN_UNSUPPORTED_SHAPE);
  const attn::Answer huge =
      answer_to([](attn::PlanRequest& r) { r.problem.seqlen_kv = int64_t{1} << 31; });
  CHECK(huge.status == ATTN_UNSUPPORTED_SHAPE);
}

TEST_CASE("a cell has the problem's head_dim rounded up and the options' tile", "[problem]") {
  attn::PlanRequest request = example();
  request.options.set("block_k", int64_t{80});
  request.options.set("deterministic", int64_t{1});
  Cell cell = cell_of(request, {90, 232448, 132});
  CHECK(cell.head_dim == 128);
  CHECK(cell.tile.block_q == 0);
  CHECK(cell.tile.block_k == 80);
  CHECK(cell.has_bias);
  CHECK_FALSE(cell.is_causal);
  CHECK_FALSE(cell.is_deterministic);  // a forward pass is always
  request.problem.op = ATTN_OP_BWD;
  cell = cell_of(request, {90, 232448, 132});
  CHECK(cell.is_backward);
  CHECK(cell.is_deterministic);
}

TEST_CASE("switches are names with numbers, anything else is named as it stands", "[problem]") {
  attn::PlanRequest request = example();
  CHECK(cell_of(request, {90, 232448, 132}).switches.empty());
  request.options.set("switches", std::string("TRUST=1,PING_PONG=0"));
  CHECK(cell_of(request, {90, 232448, 132}).switches ==
        std::vector<std::string>{"TRUST=1", "PING_PONG=0"});
  for (const char* const wrong : {"TRUST", "TRUST=", "=1", "TRUST=yes", "TRUST=1 OVERLAP=0"}) {
    request.options.set("switches", std::string(wrong));
    CHECK_THROWS_AS(cell_of(request, {90, 232448, 132}), attn::Failure);
  }
}

}  // namespace
}  // namespace kernel_kit
