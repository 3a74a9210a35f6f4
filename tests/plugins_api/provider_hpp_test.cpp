// What provider.hpp does for an author: here the author is a class that can be told to misbehave.
#include <functional>
#include <new>

#include "plugins_api/guest.h"
#include "support/catch.h"

namespace attnbench {
namespace {

struct PuppetPlan {
  attn::Options options;
  attn::PlanInfo info() const {
    attn::PlanInfo out;
    out.workspace_bytes = 100;
    out.workspace_alignment = 64;
    out.options = options;
    if (options.get_int("threads") == 0) out.options->set("threads", int64_t{3});
    out.kernels.push_back({.name = "puppet_kernel", .regs_per_thread = 7, .grid = {1, 2, 3}});
    return out;
  }
  void execute(const attn::Execution& pass) {
    pass.tensor(ATTN_ROLE_O).view<float>()(0, 0, 0, 0) = 42;
  }
};

std::function<void()> in_supports = [] {};

class Puppet {
 public:
  static attn::Descriptor descriptor() {
    return {.id = "puppet",
            .name = "Puppet",
            .vendor = "tests",
            .version = "1",
            .license = "none",
            .description = "Does as told.",
            .features = ATTN_FEATURE_LSE | ATTN_FEATURE_BIAS | ATTN_FEATURE_BWD |
                        ATTN_FEATURE_DBIAS | ATTN_FEATURE_GQA,
            .device_types = {ATTN_DEVICE_CPU},
            .dtypes = {attn::kFp32, attn::kFp16},
            .options = {attn::int_choice("block_q", "Rows.", 64, {32, 64, 128}),
                        attn::int_range("threads", "0 is auto.", 0, 0, 8),
                        attn::float_range("ratio", "A share.", 0.5, 0, 1),
                        attn::string_choice("path", "Which way.", "fast", {"fast", "safe"})}};
  }
  static int32_t probe(const attn::Device&) { return 10; }
  explicit Puppet(const attn::CreateRequest&) {}
  attn::Answer supports(const attn::PlanRequest& request) {
    in_supports();
    if (request.problem.head_dim_qk > 8) {
      return attn::refuse(ATTN_UNSUPPORTED_SHAPE,
                          attn::text("head_dim ", request.problem.head_dim_qk, ", at most 8"));
    }
    return attn::yes();
  }
  std::unique_ptr<PuppetPlan> make_plan(const attn::PlanRequest& request) {
    return std::make_unique<PuppetPlan>(PuppetPlan{request.options});
  }
};

const attn_provider_api* table() {
  return attn::provider_table<Puppet>(0, 0);
}

attn_option int_option(const char* name, int64_t value) {
  return {0, ATTN_INT, name, value, 0, nullptr};
}

void check_refused_option(attn_option option, const std::string& message) {
  Guest guest(table());
  Request request(Case{});
  request.add_option(option);
  CHECK(guest.supports(request) == ATTN_INVALID_OPTION);
  CHECK(guest.message() == message);
  attn_plan* plan = nullptr;
  CHECK(guest.api->plan_create(guest.instance, &request.plan_args, &plan, nullptr) ==
        ATTN_INVALID_OPTION);
  CHECK(plan == nullptr);
}

TEST_CASE("a wrong option is refused with the names or values that are right", "[provider_hpp]") {
  check_refused_option(int_option("blok_q", 64),
                       "unknown option blok_q; valid ones: block_q, threads, ratio, path");
  check_refused_option(int_option("block_q", 65),
                       "option block_q cannot be 65; valid values: 32, 64, 128");
  check_refused_option(int_option("threads", 9),
                       "option threads cannot be 9; valid values: 0 to 8");
  check_refused_option(int_option("path", 1), "option path is a text; valid values: fast, safe");
  check_refused_option({0, ATTN_STRING, "path", 0, 0, "faste"},
                       "option path cannot be faste; valid values: fast, safe");
  check_refused_option({0, ATTN_FLOAT, "ratio", 0, 1.5, nullptr},
                       "option ratio cannot be 1.500000; valid values: 0.000000 to 1.000000");
}

TEST_CASE("an option given twice is refused", "[provider_hpp]") {
  Guest guest(table());
  Request request(Case{});
  request.add_option(int_option("block_q", 32));
  request.add_option(int_option("block_q", 64));
  CHECK(guest.supports(request) == ATTN_INVALID_OPTION);
}

TEST_CASE("plan_info shows every option as finally used, and the kernels", "[provider_hpp]") {
  Guest guest(table());
  Request request(Case{});
  request.add_option(int_option("block_q", 128));
  attn_plan* plan = nullptr;
  REQUIRE(guest.api->plan_create(guest.instance, &request.plan_args, &plan, nullptr) == ATTN_OK);
  attn_plan_info info{};
  info.struct_size = ATTN_SIZE_TO(attn_plan_info, kernels);
  REQUIRE(guest.api->plan_info(plan, &info, nullptr) == ATTN_OK);
  CHECK(info.workspace_bytes == 100);
  CHECK(info.workspace_alignment == 64);
  REQUIRE(info.num_options == 4);
  CHECK(info.options[0]->int_value == 128);  // asked for
  CHECK(info.options[1]->int_value == 3);    // chosen by the plan
  CHECK(info.options[2]->float_value == 0.5);
  CHECK(std::string(info.options[3]->string_value) == "fast");
  REQUIRE(info.num_kernels == 1);
  CHECK(std::string(info.kernels[0]->name) == "puppet_kernel");
  CHECK(info.kernels[0]->grid[2] == 3);
  guest.api->plan_destroy(plan);
}

TEST_CASE("whatever a provider throws becomes a status", "[provider_hpp]") {
  Guest guest(table());
  Request request(Case{});
  auto status_of = [&](std::function<void()> misdeed) {
    in_supports = std::move(misdeed);
    attn_status status = guest.supports(request);
    in_supports = [] {};
    return status;
  };
  CHECK(status_of([] { throw attn::Failure(ATTN_RESOURCE_SHARED_MEMORY, "too much", 2, 701); }) ==
        ATTN_RESOURCE_SHARED_MEMORY);
  CHECK(guest.message() == "too much");
  CHECK(guest.error.native_domain == ATTN_NATIVE_CUDA_DRIVER);
  CHECK(guest.error.native_code == 701);
  CHECK(status_of([] { throw std::bad_alloc(); }) == ATTN_OUT_OF_HOST_MEMORY);
  CHECK(guest.error.native_code == 0);
  CHECK(status_of([] { throw std::runtime_error("oops"); }) == ATTN_INTERNAL);
  CHECK(guest.message() == "oops");
  CHECK(status_of([] { throw 1; }) == ATTN_INTERNAL);
  CHECK(status_of([] { throw attn::Failure(ATTN_HOST_CRASHED, "a lie"); }) == ATTN_INTERNAL);
  CHECK(status_of([] { throw attn::Failure(ATTN_OK, "no failure"); }) == ATTN_INTERNAL);
}

TEST_CASE("the message fits a buffer of 0, 1 or 8 bytes and says what it wanted",
          "[provider_hpp]") {
  Guest guest(table());
  Request request(Case{.head_dim_qk = 9});
  const std::string whole = "head_dim 9, at most 8";
  for (uint32_t capacity : {0u, 1u, 8u, 22u}) {
    char buffer[32];
    std::memset(buffer, '#', sizeof buffer);
    guest.error.message = buffer;
    guest.error.message_capacity = capacity;
    CHECK(guest.supports(request) == ATTN_UNSUPPORTED_SHAPE);
    CHECK(guest.error.message_length == whole.size());
    CHECK(buffer[capacity] == '#');
    if (capacity > 0) CHECK(buffer == whole.substr(0, capacity - 1));
  }
  guest.error.message = nullptr;
  CHECK(guest.supports(request) == ATTN_UNSUPPORTED_SHAPE);
  CHECK(guest.api->supports(guest.instance, &request.plan_args, nullptr) == ATTN_UNSUPPORTED_SHAPE);
}

TEST_CASE("a cut message ends between two characters", "[provider_hpp]") {
  char buffer[8];
  attn_error error{ATTN_SIZE_TO(attn_error, message_length), 0, 0, 0, buffer, 4, 0};
  attn::detail::write_error(&error, ATTN_INTERNAL, "ab\u00e9");  // four bytes; one must go
  CHECK(std::string(buffer) == "ab");
}

// A field bent out of shape, and what supports() must say.
struct Bent {
  const char* what;
  attn_status status;
  std::function<void(Request&)> bend;
};

TEST_CASE("a request that contradicts itself or the descriptor is refused", "[provider_hpp]") {
  static int64_t wrong_shape[4] = {1, 3, 1, 5};
  static int64_t zero_strides[4] = {12, 4, 4, 0};
  const std::vector<Bent> cases = {
      {"unknown feature", ATTN_UNSUPPORTED_FEATURE,
       [](Request& r) { r.problem.features |= UINT64_C(1) << 40; }},
      {"feature that the descriptor lacks", ATTN_UNSUPPORTED_FEATURE,
       [](Request& r) { r.problem.features |= ATTN_FEATURE_DETERMINISTIC; }},
      {"two operations", ATTN_UNSUPPORTED_FEATURE, [](Request& r) { r.problem.op = 3; }},
      {"no operation", ATTN_INVALID_ARGUMENT, [](Request& r) { r.problem.op = 0; }},
      {"unknown mask", ATTN_UNSUPPORTED_FEATURE, [](Request& r) { r.problem.mask = 99; }},
      {"mask without its bit", ATTN_INVALID_ARGUMENT,
       [](Request& r) { r.problem.mask = ATTN_MASK_CAUSAL_TOP_LEFT; }},
      {"GQA bit without groups", ATTN_INVALID_ARGUMENT,
       [](Request& r) { r.problem.features |= ATTN_FEATURE_GQA; }},
      {"reserved", ATTN_UNSUPPORTED_FEATURE, [](Request& r) { r.problem.reserved = 1; }},
      {"no rows", ATTN_INVALID_ARGUMENT, [](Request& r) { r.problem.seqlen_q = 0; }},
      {"odd groups", ATTN_INVALID_ARGUMENT, [](Request& r) { r.problem.heads_kv = 2; }},
      {"scale is NaN", ATTN_INVALID_ARGUMENT, [](Request& r) { r.problem.scale = 0.0 / 0.0; }},
      {"problem is NULL", ATTN_INVALID_ARGUMENT, [](Request& r) { r.plan_args.problem = nullptr; }},
      {"specs is NULL", ATTN_INVALID_ARGUMENT, [](Request& r) { r.plan_args.specs = nullptr; }},
      {"one spec is NULL", ATTN_INVALID_ARGUMENT, [](Request& r) { r.spec_pointers[2] = nullptr; }},
      {"a spec is missing", ATTN_INVALID_ARGUMENT, [](Request& r) { r.plan_args.num_specs = 3; }},
      {"a role twice", ATTN_INVALID_ARGUMENT,
       [](Request& r) { r.spec_pointers[1] = r.spec_pointers[0]; }},
      {"unknown role", ATTN_UNSUPPORTED_FEATURE, [](Request& r) { r.specs[0].role = 64; }},
      {"role not called for", ATTN_INVALID_ARGUMENT,
       [](Request& r) { r.problem.features &= ~ATTN_FEATURE_LSE; }},
      {"wrong rank", ATTN_INVALID_ARGUMENT, [](Request& r) { r.specs[0].ndim = 3; }},
      {"wrong shape", ATTN_INVALID_ARGUMENT, [](Request& r) { r.specs[0].shape = wrong_shape; }},
      {"stride 0", ATTN_INVALID_ARGUMENT, [](Request& r) { r.specs[0].strides = zero_strides; }},
      {"strides NULL", ATTN_INVALID_ARGUMENT, [](Request& r) { r.specs[0].strides = nullptr; }},
      {"odd alignment", ATTN_INVALID_ARGUMENT, [](Request& r) { r.specs[0].alignment = 48; }},
      {"output read", ATTN_INVALID_ARGUMENT,
       [](Request& r) { r.spec(ATTN_ROLE_O).access = ATTN_ACCESS_READ; }},
      {"unknown access", ATTN_UNSUPPORTED_FEATURE, [](Request& r) { r.specs[0].access = 4; }},
      {"undeclared dtype", ATTN_UNSUPPORTED_DTYPE,
       [](Request& r) { r.specs[0].dtype = attn::kBf16; }},
      {"unknown dtype", ATTN_UNSUPPORTED_DTYPE, [](Request& r) { r.specs[0].dtype.code = 77; }},
      {"K unlike Q", ATTN_UNSUPPORTED_DTYPE, [](Request& r) { r.specs[1].dtype = attn::kFp16; }},
      {"LSE in fp16", ATTN_UNSUPPORTED_DTYPE,
       [](Request& r) { r.spec(ATTN_ROLE_LSE).dtype = attn::kFp16; }},
  };
  Guest guest(table());
  Request whole(Case{});
  REQUIRE(guest.supports(whole) == ATTN_OK);
  for (const Bent& bent : cases) {
    Request request(Case{});
    bent.bend(request);
    guest.text[0] = '\0';
    INFO(bent.what);
    CHECK(guest.supports(request) == bent.status);
    CHECK(guest.error.status == bent.status);
    CHECK(guest.message() != "");
  }
}

TEST_CASE("DBIAS has extent 1 where BIAS is broadcast", "[provider_hpp]") {
  Guest guest(table());
  for (int64_t heads : {2, 1}) {
    Request request(Case{.op = ATTN_OP_BWD,
                         .heads_q = 2,
                         .heads_kv = 2,
                         .has_bias = true,
                         .broadcasts_bias_heads = true});
    request.problem.features |= ATTN_FEATURE_DBIAS;
    int64_t shape[4] = {1, heads, 3, 3}, strides[4] = {18, 9, 3, 1};
    attn_tensor_spec dbias{ATTN_SIZE_TO(attn_tensor_spec, access),
                           ATTN_ROLE_DBIAS,
                           attn::kFp32,
                           4,
                           shape,
                           strides,
                           0,
                           ATTN_ACCESS_WRITE};
    request.spec_pointers.push_back(&dbias);
    request.plan_args.specs = request.spec_pointers.data();
    request.plan_args.num_specs += 1;
    CHECK(guest.supports(request) == (heads == 1 ? ATTN_OK : ATTN_INVALID_ARGUMENT));
  }
}

TEST_CASE("execute takes only what the plan was made for", "[provider_hpp]") {
  static int64_t other_strides[4] = {24, 8, 4, 1};
  const std::vector<Bent> cases = {
      {"other strides", ATTN_INVALID_ARGUMENT,
       [](Request& r) { r.bindings[0].tensor.strides = other_strides; }},
      {"other dtype", ATTN_INVALID_ARGUMENT,
       [](Request& r) { r.bindings[0].tensor.dtype = attn::kFp16; }},
      {"other order", ATTN_INVALID_ARGUMENT,
       [](Request& r) { std::swap(r.binding_pointers[0], r.binding_pointers[1]); }},
      {"no data", ATTN_INVALID_ARGUMENT, [](Request& r) { r.bindings[0].tensor.data = nullptr; }},
      {"less aligned", ATTN_INVALID_ARGUMENT,
       [](Request& r) { r.bindings[0].tensor.byte_offset = 4; }},
      {"other device", ATTN_INVALID_ARGUMENT,
       [](Request& r) { r.bindings[0].tensor.device.id = 1; }},
      {"one binding less", ATTN_INVALID_ARGUMENT,
       [](Request& r) { r.execute_args.num_bindings -= 1; }},
      {"small workspace", ATTN_INVALID_ARGUMENT,
       [](Request& r) { r.execute_args.workspace_bytes = 99; }},
      {"no workspace", ATTN_INVALID_ARGUMENT,
       [](Request& r) { r.execute_args.workspace = nullptr; }},
      {"crooked workspace", ATTN_INVALID_ARGUMENT,
       [](Request& r) { r.execute_args.workspace = r.workspace.data() + 1; }},
      {"a stream on a CPU", ATTN_INVALID_ARGUMENT, [](Request& r) { r.execute_args.stream = &r; }},
  };
  Guest guest(table());
  for (const Bent& bent : cases) {
    Request request(Case{});
    INFO(bent.what);
    REQUIRE(guest.run(request) == ATTN_OK);
    CHECK(request.at(ATTN_ROLE_O).get(0, 0, 0, 0) == 42);
    attn_plan* plan = nullptr;
    REQUIRE(guest.api->plan_create(guest.instance, &request.plan_args, &plan, nullptr) == ATTN_OK);
    bent.bend(request);
    CHECK(guest.api->execute(plan, &request.execute_args, &guest.error) == bent.status);
    guest.api->plan_destroy(plan);
  }
}

TEST_CASE("NULL, unknown ids and foreign devices are answers too", "[provider_hpp]") {
  Guest guest(table());
  const attn_provider_api* api = guest.api;
  Request request(Case{});
  attn_plan* plan = nullptr;
  int32_t score = 7;
  CHECK(api->supports(nullptr, &request.plan_args, nullptr) == ATTN_INVALID_ARGUMENT);
  CHECK(api->supports(guest.instance, nullptr, nullptr) == ATTN_INVALID_ARGUMENT);
  CHECK(api->plan_create(guest.instance, &request.plan_args, nullptr, nullptr) ==
        ATTN_INVALID_ARGUMENT);
  CHECK(api->plan_create(nullptr, &request.plan_args, &plan, nullptr) == ATTN_INVALID_ARGUMENT);
  CHECK(api->plan_info(nullptr, nullptr, nullptr) == ATTN_INVALID_ARGUMENT);
  CHECK(api->execute(nullptr, &request.execute_args, nullptr) == ATTN_INVALID_ARGUMENT);
  CHECK(api->create(nullptr, nullptr, nullptr) == ATTN_INVALID_ARGUMENT);
  CHECK(api->probe("stranger", &guest.device, &score, nullptr) == ATTN_INVALID_ARGUMENT);
  CHECK(score == 0);
  CHECK(api->probe(nullptr, &guest.device, &score, nullptr) == ATTN_INVALID_ARGUMENT);
  guest.device.id.type = ATTN_DEVICE_CUDA;
  CHECK(api->probe("puppet", &guest.device, &score, &guest.error) == ATTN_UNSUPPORTED_DEVICE);
  api->destroy(nullptr);
  api->plan_destroy(nullptr);
}

}  // namespace
}  // namespace attnbench
