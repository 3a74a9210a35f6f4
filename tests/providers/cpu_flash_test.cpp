// cpu_flash against attention in double: shapes beside every block boundary, on every instruction
// set that this CPU has.
#include <hwy/targets.h>

#include <cstdlib>
#include <limits>

#include "plugins_api/guest.h"
#include "plugins_api/naive_attention.h"
#include "support/catch.h"

namespace attnbench {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

const attn_provider_api* table() {
  return load_table(ATTNBENCH_BUILD_DIR "/lib/attnbench/providers/cpu_flash.provider.so");
}

// While it lives, providers made are made for one instruction set.
class OnlyTarget {
 public:
  explicit OnlyTarget(int64_t target) { hwy::SetSupportedTargetsForTest(target); }
  ~OnlyTarget() { hwy::SetSupportedTargetsForTest(0); }
  OnlyTarget(const OnlyTarget&) = delete;
  OnlyTarget& operator=(const OnlyTarget&) = delete;
};

std::vector<int64_t> targets() {
  std::vector<int64_t> out;
  for (int64_t target : {HWY_AVX3, HWY_AVX2, HWY_SSE4, HWY_NEON}) {
    if ((hwy::SupportedTargets() & target) != 0) out.push_back(target);
  }
  return out;
}

double tolerance_of(attn_dtype dtype) {
  if (attn::same_dtype(dtype, attn::kFp32)) return 2e-5;
  return attn::same_dtype(dtype, attn::kFp16) ? 4e-3 : 3e-2;
}

void add_int_option(Request& request, const char* name, int64_t value) {
  attn_option option{};
  option.type = ATTN_INT;
  option.name = name;
  option.int_value = value;
  request.add_option(option);
}

struct Knobs {
  int64_t block_q = 0, block_k = 0, threads = 0;
};

void check(Guest& guest, const Case& c, Knobs knobs = {}) {
  Request request(c);
  add_int_option(request, "block_q", knobs.block_q);
  add_int_option(request, "block_k", knobs.block_k);
  add_int_option(request, "threads", knobs.threads);
  if (c.op == ATTN_OP_BWD) fill_forward_results(request);
  INFO("op " << c.op << ", bits " << int{c.dtype.bits} << ", mask " << c.mask << ", Sq "
             << c.seqlen_q << ", Skv " << c.seqlen_kv << ", D " << c.head_dim_qk << ", Dv "
             << c.head_dim_v << ", heads " << c.heads_q << "/" << c.heads_kv << ", block_q "
             << knobs.block_q << ", block_k " << knobs.block_k);
  attn_status status = guest.run(request);
  INFO(guest.message());
  REQUIRE(status == ATTN_OK);
  check_outputs(request, tolerance_of(c.dtype));
}

void check_both_ways(Guest& guest, Case c, Knobs knobs = {}) {
  for (uint32_t op : {ATTN_OP_FWD, ATTN_OP_BWD}) {
    c.op = op;
    check(guest, c, knobs);
  }
}

struct Lengths {
  int64_t q, kv;
};

TEST_CASE("cpu_flash agrees with double on odd shapes, masks and dtypes", "[cpu_flash]") {
  const attn_dtype dtypes[] = {attn::kFp32, attn::kFp16, attn::kBf16};
  int turn = 0;  // every value meets every other somewhere, not everywhere
  for (int64_t target : targets()) {
    OnlyTarget only(target);
    INFO(hwy::TargetName(target));
    Guest guest(table());
    for (int64_t dim : {8, 40, 64, 96, 248, 256}) {
      for (Lengths s : {Lengths{1, 1}, {3, 70}, {64, 64}, {65, 131}, {130, 77}}) {
        Case c{.dtype = dtypes[(turn + turn / 6) % 3], .seqlen_q = s.q, .seqlen_kv = s.kv};
        c.head_dim_qk = dim;
        c.head_dim_v = turn % 7 == 0 ? 24 : dim;
        c.heads_q = turn % 4 == 1 ? 4 : 1 + turn % 2;
        c.heads_kv = turn % 4 == 1 ? 2 : 1;
        c.is_bhsd = turn % 2 == 1;
        c.mask = turn % 3;
        c.has_bias = turn % 5 < 2;
        c.writes_lse = turn % 4 != 3;
        check_both_ways(guest, c, {0, 64 * (turn % 2), turn % 3 == 0 ? 1 : 0});
        ++turn;
      }
      ++turn;
    }
  }
}

TEST_CASE("cpu_flash is right for every size of its blocks", "[cpu_flash]") {
  Guest guest(table());
  for (int64_t block_q : {64, 128}) {
    for (int64_t block_k : {64, 96}) {
      for (int32_t mask :
           {ATTN_MASK_NONE, ATTN_MASK_CAUSAL_TOP_LEFT, ATTN_MASK_CAUSAL_BOTTOM_RIGHT}) {
        for (Lengths s : {Lengths{140, 230}, {201, 100}}) {
          Case c{.heads_q = 3, .heads_kv = 1, .seqlen_q = s.q, .seqlen_kv = s.kv};
          c.head_dim_qk = c.head_dim_v = 8;
          c.mask = mask;
          check_both_ways(guest, c, {block_q, block_k, 0});
        }
      }
    }
  }
}

TEST_CASE("cpu_flash broadcasts the bias over batch and heads", "[cpu_flash]") {
  Guest guest(table());
  for (int broadcasts : {0, 1, 2, 3}) {
    for (attn_dtype dtype : {attn::kFp32, attn::kBf16}) {
      for (int64_t rows : {1, 67}) {
        Case c{.dtype = dtype, .batch = 2, .heads_q = 2, .heads_kv = 2, .seqlen_q = rows};
        c.seqlen_kv = 101;
        c.head_dim_qk = c.head_dim_v = 32;
        c.has_bias = true;
        c.broadcasts_bias_batch = (broadcasts & 1) != 0;
        c.broadcasts_bias_heads = (broadcasts & 2) != 0;
        check_both_ways(guest, c);
      }
    }
  }
}

TEST_CASE("cpu_flash decodes: few rows, keys split between threads", "[cpu_flash]") {
  for (int64_t target : targets()) {
    OnlyTarget only(target);
    Guest guest(table());
    for (attn_dtype dtype : {attn::kFp32, attn::kFp16, attn::kBf16}) {
      for (int64_t rows : {1, 2, 3, 9}) {
        for (int32_t mask : {ATTN_MASK_NONE, ATTN_MASK_CAUSAL_BOTTOM_RIGHT}) {
          Case c{.dtype = dtype, .seqlen_q = rows, .seqlen_kv = 1531};
          c.head_dim_qk = c.head_dim_v = 72;
          c.mask = mask;
          c.has_bias = rows == 2;
          check(guest, c);
        }
      }
    }
  }
}

TEST_CASE("rows that a bias of -inf hides give zero, and -65504 does not hide", "[cpu_flash]") {
  for (int64_t target : targets()) {
    OnlyTarget only(target);
    Guest guest(table());
    for (int64_t rows : {3, 70}) {  // decoding and tiles
      for (uint32_t op : {ATTN_OP_FWD, ATTN_OP_BWD}) {
        Case c{.op = op, .seqlen_q = rows, .seqlen_kv = 130, .has_bias = true};
        c.head_dim_qk = c.head_dim_v = 16;
        Request request(c);
        StoredTensor& bias = request.at(ATTN_ROLE_BIAS);
        for (int64_t j = 0; j < c.seqlen_kv; ++j) {
          bias.set(0, 0, 1, j, -kInfinity);
          bias.set(0, 0, 2, j, -65504.0);
          if (j < 100) bias.set(0, 0, 0, j, -kInfinity);  // whole blocks, not all of the row
        }
        if (op == ATTN_OP_BWD) fill_forward_results(request);
        add_int_option(request, "block_k", 64);
        REQUIRE(guest.run(request) == ATTN_OK);
        const StoredTensor& out = request.at(op == ATTN_OP_FWD ? ATTN_ROLE_O : ATTN_ROLE_DQ);
        for (int64_t d = 0; d < 16; ++d) CHECK(out.get(0, 1, 0, d) == 0.0);
        CHECK(out.get(0, 2, 0, 0) != 0.0);
        if (op == ATTN_OP_FWD) CHECK(request.at(ATTN_ROLE_LSE).get(0, 0, 1) == -kInfinity);
        check_outputs(request, 2e-2);  // beside 65504, fp32 has steps of 1/128
      }
    }
  }
}

// Multiplies every number of an input.
void scale_input(Request& request, int32_t role, double factor) {
  StoredTensor& tensor = request.at(role);
  tensor.for_each([&](int64_t a, int64_t b, int64_t c, int64_t d) {
    tensor.set(a, b, c, d, tensor.get(a, b, c, d) * factor);
  });
}

TEST_CASE("huge logits choose one key, and denormals keep their value", "[cpu_flash]") {
  for (int64_t target : targets()) {
    OnlyTarget only(target);
    Guest guest(table());
    for (int64_t rows : {2, 70}) {
      Case c{.seqlen_q = rows, .seqlen_kv = 150};
      c.head_dim_qk = c.head_dim_v = 64;
      Request huge(c);
      scale_input(huge, ATTN_ROLE_Q, 1e15);
      scale_input(huge, ATTN_ROLE_K, 1e15);
      REQUIRE(guest.run(huge) == ATTN_OK);
      check_outputs(huge, 1e-5);

      Request tiny(c);
      for (int32_t role : {ATTN_ROLE_Q, ATTN_ROLE_V}) scale_input(tiny, role, 1e-40);
      REQUIRE(guest.run(tiny) == ATTN_OK);
      check_outputs(tiny, 1e-5);
      NaiveAttention naive(tiny);
      double largest = 0, worst = 0;
      const StoredTensor& o = tiny.at(ATTN_ROLE_O);
      o.for_each([&](int64_t a, int64_t b, int64_t h, int64_t d) {
        const double want = naive.get(ATTN_ROLE_O, a, b, h, d);
        largest = std::max(largest, std::abs(want));
        worst = std::max(worst, std::abs(o.get(a, b, h, d) - want));
      });
      CHECK(worst < 1e-2 * largest);  // not flushed to zero
    }
  }
}

}  // namespace
}  // namespace attnbench
