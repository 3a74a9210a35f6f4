// What cpu_flash promises beside right numbers: precision, memory, threads, equal bits, clear
// refusals.
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <new>

#include "plugins_api/guest.h"
#include "plugins_api/naive_attention.h"
#include "support/catch.h"

namespace {
std::atomic<int64_t> allocations{0};
}

// Every allocation by new in this process, the provider's included.
void* operator new(std::size_t bytes) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(bytes)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace attnbench {
namespace {

const attn_provider_api* table() {
  return load_table(ATTNBENCH_BUILD_DIR "/lib/attnbench/providers/cpu_flash.provider.so");
}

attn_option int_option(const char* name, int64_t value) {
  attn_option option{};
  option.type = ATTN_INT;
  option.name = name;
  option.int_value = value;
  return option;
}

class PlannedRequest {
 public:
  PlannedRequest(Guest& guest, Request& request) : guest_(guest) {
    info.struct_size = ATTN_SIZE_TO(attn_plan_info, kernels);
    REQUIRE(guest.api->plan_create(guest.instance, &request.plan_args, &plan, &guest.error) ==
            ATTN_OK);
    REQUIRE(guest.api->plan_info(plan, &info, &guest.error) == ATTN_OK);
  }
  ~PlannedRequest() { guest_.api->plan_destroy(plan); }
  PlannedRequest(const PlannedRequest&) = delete;
  PlannedRequest& operator=(const PlannedRequest&) = delete;

  int64_t option(const std::string& name) const {
    for (uint32_t i = 0; i < info.num_options; ++i) {
      if (name == info.options[i]->name) return info.options[i]->int_value;
    }
    return -1;
  }

  attn_plan* plan = nullptr;
  attn_plan_info info{};

 private:
  Guest& guest_;
};

// O of attention in plain fp32, one row after the other: the yardstick for rounding.
std::vector<float> plain_forward(const Request& request) {
  const Case& c = request.c;
  const StoredTensor &q = request.at(ATTN_ROLE_Q), &k = request.at(ATTN_ROLE_K),
                     &v = request.at(ATTN_ROLE_V);
  const float scale = 1 / std::sqrt(static_cast<float>(c.head_dim_qk));
  std::vector<float> o(static_cast<std::size_t>(c.seqlen_q * c.head_dim_v));
  for (int64_t i = 0; i < c.seqlen_q; ++i) {
    std::vector<float> s(static_cast<std::size_t>(c.seqlen_kv));
    float maximum = -std::numeric_limits<float>::infinity(), sum = 0;
    for (int64_t j = 0; j < c.seqlen_kv; ++j) {
      float dot = 0;
      for (int64_t d = 0; d < c.head_dim_qk; ++d) {
        dot += static_cast<float>(q.get(0, i, 0, d)) * static_cast<float>(k.get(0, j, 0, d));
      }
      s[static_cast<std::size_t>(j)] = dot * scale;
      maximum = std::max(maximum, dot * scale);
    }
    for (float& weight : s) sum += weight = std::exp(weight - maximum);
    for (int64_t d = 0; d < c.head_dim_v; ++d) {
      float& out = o[static_cast<std::size_t>(i * c.head_dim_v + d)];
      for (int64_t j = 0; j < c.seqlen_kv; ++j) {
        out += s[static_cast<std::size_t>(j)] * static_cast<float>(v.get(0, j, 0, d));
      }
      out /= sum;
    }
  }
  return o;
}

TEST_CASE("cpu_flash rounds no worse than twice plain fp32", "[cpu_flash]") {
  Guest guest(table());
  for (int64_t rows : {3, 96}) {
    Case c{.seqlen_q = rows, .seqlen_kv = 1000, .head_dim_qk = 64, .head_dim_v = 64};
    Request request(c);
    REQUIRE(guest.run(request) == ATTN_OK);
    NaiveAttention naive(request);
    std::vector<float> plain = plain_forward(request);
    double plain_square = 0, our_square = 0;
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t d = 0; d < 64; ++d) {
        const double want = naive.get(ATTN_ROLE_O, 0, i, 0, d);
        const double plain_error = plain[static_cast<std::size_t>(i * 64 + d)] - want;
        const double our_error = request.at(ATTN_ROLE_O).get(0, i, 0, d) - want;
        plain_square += plain_error * plain_error;
        our_square += our_error * our_error;
      }
    }
    INFO("rms " << std::sqrt(our_square) << " against " << std::sqrt(plain_square));
    CHECK(std::sqrt(our_square) <= 2 * std::sqrt(plain_square));
  }
}

uint64_t workspace_of(Guest& guest, uint32_t op, attn_dtype dtype, int64_t length) {
  Case c{.op = op, .dtype = dtype, .seqlen_q = length, .seqlen_kv = length};
  c.head_dim_qk = c.head_dim_v = 8;
  Request request(c);
  return PlannedRequest(guest, request).info.workspace_bytes;
}

TEST_CASE("cpu_flash's workspace does not grow with the square of the length", "[cpu_flash]") {
  Guest guest(table());
  for (uint32_t op : {ATTN_OP_FWD, ATTN_OP_BWD}) {
    for (attn_dtype dtype : {attn::kFp32, attn::kFp16}) {
      const uint64_t at_8k = workspace_of(guest, op, dtype, 8192);
      const uint64_t at_64k = workspace_of(guest, op, dtype, 65536);
      INFO("op " << op << ": " << at_8k << " and " << at_64k << " bytes");
      CHECK(at_64k <= 8 * at_8k);
      CHECK(at_64k < uint64_t{64} << 20);
    }
  }
}

TEST_CASE("cpu_flash allocates nothing in execute", "[cpu_flash]") {
  Guest guest(table());
  for (uint32_t op : {ATTN_OP_FWD, ATTN_OP_BWD}) {
    for (int64_t rows : {1, 130}) {
      Case c{.op = op, .seqlen_q = rows, .seqlen_kv = 700, .head_dim_qk = 32, .head_dim_v = 32};
      Request request(c);
      if (op == ATTN_OP_BWD) fill_forward_results(request);
      PlannedRequest planned(guest, request);
      request.give_workspace(planned.info.workspace_bytes);
      const int64_t before = allocations.load();
      attn_status status = guest.api->execute(planned.plan, &request.execute_args, &guest.error);
      const int64_t after = allocations.load();
      REQUIRE(status == ATTN_OK);
      CHECK(after == before);
      CHECK(before > 0);  // the counter works
    }
  }
}

TEST_CASE("cpu_flash says which blocks and threads it chose", "[cpu_flash]") {
  Guest guest(table());
  for (uint32_t op : {ATTN_OP_FWD, ATTN_OP_BWD}) {
    Case c{.op = op, .seqlen_q = 500, .seqlen_kv = 500, .head_dim_qk = 64, .head_dim_v = 64};
    Request request(c);
    PlannedRequest chosen(guest, request);
    CHECK(chosen.option("block_q") >= 16);
    CHECK(chosen.option("block_k") >= 64);
    CHECK(chosen.option("threads") >= 1);
    request.add_option(int_option("block_q", 128));
    request.add_option(int_option("block_k", 96));
    request.add_option(int_option("threads", 1));
    PlannedRequest given(guest, request);
    CHECK(given.option("block_q") == 128);
    CHECK(given.option("block_k") == 96);
    CHECK(given.option("threads") == 1);
  }
}

TEST_CASE("cpu_flash gives equal bits on any number of threads", "[cpu_flash]") {
  Guest guest(table());
  for (uint32_t op : {ATTN_OP_FWD, ATTN_OP_BWD}) {
    for (int32_t mask : {ATTN_MASK_NONE, ATTN_MASK_CAUSAL_TOP_LEFT}) {
      Case c{.op = op, .dtype = attn::kFp16, .heads_q = 4, .heads_kv = 2};
      c.seqlen_q = c.seqlen_kv = 200;
      c.head_dim_qk = c.head_dim_v = 24;
      c.mask = mask;
      Request one(c), all(c);
      for (Request* request : {&one, &all}) {
        if (op == ATTN_OP_BWD) fill_forward_results(*request);
        request->add_option(int_option("block_q", 64));
        request->add_option(int_option("block_k", 64));
      }
      one.add_option(int_option("threads", 1));
      REQUIRE(guest.run(one) == ATTN_OK);
      REQUIRE(guest.run(all) == ATTN_OK);
      for (const StoredTensor& tensor : one.tensors) {
        INFO(attn::detail::role_name(tensor.role));
        CHECK(tensor.bytes() == all.at(tensor.role).bytes());
      }
    }
  }
}

std::size_t count_threads() {
  std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

TEST_CASE("cpu_flash leaves no thread behind, nor the caller's affinity changed", "[cpu_flash]") {
  const std::size_t before = count_threads();
  cpu_set_t affinity_before, affinity_after;
  REQUIRE(sched_getaffinity(0, sizeof affinity_before, &affinity_before) == 0);
  {
    Guest guest(table());
    Case c{.seqlen_q = 900, .seqlen_kv = 900, .head_dim_qk = 64, .head_dim_v = 64};
    Request request(c);
    REQUIRE(guest.run(request) == ATTN_OK);
    REQUIRE(sched_getaffinity(0, sizeof affinity_after, &affinity_after) == 0);
    CHECK(CPU_EQUAL(&affinity_before, &affinity_after));
    CHECK(count_threads() >= before);
  }
  CHECK(count_threads() == before);
}

TEST_CASE("cpu_flash refuses what it lacks, and names the limit", "[cpu_flash]") {
  Guest guest(table());
  for (int64_t dim : {12, 264}) {
    Request request(Case{.head_dim_qk = dim, .head_dim_v = dim});
    CHECK(guest.supports(request) == ATTN_UNSUPPORTED_SHAPE);
    CHECK(guest.message() == attn::text("head_dim is ", dim, ", not a multiple of 8 up to 256"));
  }
  Request request(Case{.head_dim_qk = 8, .head_dim_v = 8});
  request.add_option(int_option("threads", 1024));
  CHECK(guest.supports(request) == ATTN_UNSUPPORTED_OPTIONS);
  CHECK(guest.message().find("CPUs are allowed") != std::string::npos);

  Request gapped(Case{.head_dim_qk = 8, .head_dim_v = 8});
  gapped.at(ATTN_ROLE_K).strides[3] = 2;
  CHECK(guest.supports(gapped) == ATTN_UNSUPPORTED_LAYOUT);
}

}  // namespace
}  // namespace attnbench
