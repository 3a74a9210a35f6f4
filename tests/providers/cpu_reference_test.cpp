// cpu_reference against attention in double, on the shapes where loops go wrong.
#include <limits>

#include "plugins_api/guest.h"
#include "plugins_api/naive_attention.h"
#include "support/catch.h"

namespace attnbench {
namespace {

const attn_provider_api* table() {
  return load_table(ATTNBENCH_BUILD_DIR "/lib/attnbench/providers/cpu_reference.provider.so");
}

double tolerance_of(attn_dtype dtype) {
  if (attn::same_dtype(dtype, attn::kFp32)) return 1e-5;
  return attn::same_dtype(dtype, attn::kFp16) ? 4e-3 : 3e-2;
}

// The shapes where loops go wrong: one row, one key, odd lengths, Sq != Sk both ways, groups.
std::vector<Case> odd_cases() {
  Case plain{.batch = 2,
             .heads_q = 3,
             .heads_kv = 3,
             .seqlen_q = 7,
             .seqlen_kv = 13,
             .head_dim_qk = 40,
             .head_dim_v = 24};
  Case one{.seqlen_q = 1, .seqlen_kv = 1, .head_dim_qk = 1, .head_dim_v = 1};
  Case tall{.heads_q = 4,
            .heads_kv = 2,
            .seqlen_q = 17,
            .seqlen_kv = 5,
            .head_dim_qk = 8,
            .head_dim_v = 8};
  Case wide{.batch = 2,
            .heads_q = 6,
            .heads_kv = 1,
            .seqlen_q = 3,
            .seqlen_kv = 33,
            .head_dim_qk = 256,
            .head_dim_v = 256,
            .is_bhsd = true};
  return {plain, one, tall, wide};
}

void check(Guest& guest, Case c) {
  for (uint32_t op : {ATTN_OP_FWD, ATTN_OP_BWD}) {
    c.op = op;
    Request request(c);
    if (op == ATTN_OP_BWD) fill_forward_results(request);
    INFO("op " << op << ", mask " << c.mask << ", Sq " << c.seqlen_q << ", Skv " << c.seqlen_kv);
    attn_status status = guest.run(request);
    INFO(guest.message());
    REQUIRE(status == ATTN_OK);
    check_outputs(request, tolerance_of(c.dtype));
  }
}

TEST_CASE("cpu_reference agrees with double on odd shapes, masks and dtypes", "[cpu_reference]") {
  Guest guest(table());
  for (attn_dtype dtype : {attn::kFp32, attn::kFp16, attn::kBf16}) {
    for (Case c : odd_cases()) {
      c.dtype = dtype;
      for (int32_t mask :
           {ATTN_MASK_NONE, ATTN_MASK_CAUSAL_TOP_LEFT, ATTN_MASK_CAUSAL_BOTTOM_RIGHT}) {
        c.mask = mask;
        check(guest, c);
      }
    }
  }
}

TEST_CASE("cpu_reference broadcasts the bias over batch and heads", "[cpu_reference]") {
  Guest guest(table());
  for (Case c : odd_cases()) {
    c.has_bias = true;
    for (int broadcasts : {0, 1, 2, 3}) {
      c.broadcasts_bias_batch = (broadcasts & 1) != 0;
      c.broadcasts_bias_heads = (broadcasts & 2) != 0;
      check(guest, c);
    }
  }
}

TEST_CASE("rows that a bias of -inf hides give zero, and -65504 does not hide", "[cpu_reference]") {
  Guest guest(table());
  Case c{.seqlen_q = 3, .seqlen_kv = 4, .has_bias = true};
  for (uint32_t op : {ATTN_OP_FWD, ATTN_OP_BWD}) {
    c.op = op;
    Request request(c);
    StoredTensor& bias = request.at(ATTN_ROLE_BIAS);
    for (int64_t j = 0; j < c.seqlen_kv; ++j) {
      bias.set(0, 0, 1, j, -std::numeric_limits<double>::infinity());
      bias.set(0, 0, 2, j, -65504.0);
    }
    if (op == ATTN_OP_BWD) fill_forward_results(request);
    REQUIRE(guest.run(request) == ATTN_OK);
    int32_t role = op == ATTN_OP_FWD ? ATTN_ROLE_O : ATTN_ROLE_DQ;
    for (int64_t d = 0; d < 4; ++d) CHECK(request.at(role).get(0, 1, 0, d) == 0.0);
    CHECK(request.at(role).get(0, 2, 0, 0) != 0.0);
    if (op == ATTN_OP_FWD) {
      CHECK(request.at(ATTN_ROLE_LSE).get(0, 0, 1) == -std::numeric_limits<double>::infinity());
      CHECK(request.at(ATTN_ROLE_LSE).get(0, 0, 2) == Approx(-65504).epsilon(1e-3));
    }
  }
}

TEST_CASE("cpu_reference gives equal bits twice and leaves inputs alone", "[cpu_reference]") {
  Guest guest(table());
  Case c = odd_cases()[0];
  Request first(c), second(c);
  std::vector<std::byte> q = first.at(ATTN_ROLE_Q).bytes();
  REQUIRE(guest.run(first) == ATTN_OK);
  REQUIRE(guest.run(second) == ATTN_OK);
  CHECK(first.at(ATTN_ROLE_O).bytes() == second.at(ATTN_ROLE_O).bytes());
  CHECK(first.at(ATTN_ROLE_Q).bytes() == q);
}

TEST_CASE("cpu_reference refuses what it lacks, with the reason", "[cpu_reference]") {
  Guest guest(table());
  Request request(Case{});
  request.problem.softcap = 30;
  request.problem.features |= ATTN_FEATURE_SOFTCAP;
  CHECK(guest.supports(request) == ATTN_UNSUPPORTED_FEATURE);
  CHECK(guest.message().find("64") != std::string::npos);  // the bit that it lacks
}

}  // namespace
}  // namespace attnbench
