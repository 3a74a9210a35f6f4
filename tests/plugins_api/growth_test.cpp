// How versions meet. Three providers answer the same questions: one written with provider.hpp, one
// frozen at the first release, one from the next minor. A newer attnbench asks with longer structs.
#include <functional>

#include "plugins_api/guest.h"
#include "plugins_api/naive_attention.h"
#include "support/catch.h"

namespace attnbench {
namespace {

const char* const kProviders[] = {
    ATTNBENCH_BUILD_DIR "/lib/attnbench/providers/cpu_reference.provider.so",
    PROVIDER_FIXTURES "/abi_1_0.provider.so", PROVIDER_FIXTURES "/abi_next.provider.so"};

// What the next minor's host would pass: today's fields, then one that came later.
template <class T>
struct Longer {
  T now;
  uint64_t added;
};

// Calls with each request struct of a trial made longer, one at a time, its tail set to `tail`.
void with_each_longer(uint64_t tail, const std::function<attn_status(Request&)>& ask,
                      const std::function<void(const char*, attn_status)>& check) {
  auto lengthen = [tail](auto& from) {
    Longer<std::decay_t<decltype(from)>> out{from, tail};
    out.now.struct_size += 8;
    return out;
  };
  {
    Request request(Case{});
    auto problem = lengthen(request.problem);
    request.plan_args.problem = &problem.now;
    check("attn_problem", ask(request));
  }
  {
    Request request(Case{});
    auto spec = lengthen(request.specs[1]);
    request.spec_pointers[1] = &spec.now;
    check("attn_tensor_spec", ask(request));
  }
}

TEST_CASE("a longer request with a zero tail is answered as before", "[abi]") {
  for (const char* path : kProviders) {
    Guest guest(load_table(path));
    INFO(path);
    REQUIRE(guest.status == ATTN_OK);
    with_each_longer(
        0, [&](Request& request) { return guest.run(request); },
        [](const char* name, attn_status status) {
          INFO(name);
          CHECK(status == ATTN_OK);
        });
  }
}

TEST_CASE("a longer request with a non-zero tail is unsupported", "[abi]") {
  for (const char* path : kProviders) {
    Guest guest(load_table(path));
    INFO(path);
    with_each_longer(
        1, [&](Request& request) { return guest.supports(request); },
        [](const char* name, attn_status status) {
          INFO(name);
          CHECK(status == ATTN_UNSUPPORTED_FEATURE);
        });
  }
}

TEST_CASE("longer argument structs obey the same rule", "[abi]") {
  for (const char* path : kProviders) {
    INFO(path);
    Guest guest(load_table(path));
    Request request(Case{});
    for (uint64_t tail : {0, 1}) {
      attn_status expected = tail ? ATTN_UNSUPPORTED_FEATURE : ATTN_OK;
      Longer<attn_plan_args> plan_args{request.plan_args, tail};
      plan_args.now.struct_size += 8;
      attn_plan* plan = nullptr;
      CHECK(guest.api->supports(guest.instance, &plan_args.now, &guest.error) == expected);
      CHECK(guest.api->plan_create(guest.instance, &plan_args.now, &plan, &guest.error) ==
            expected);
      CHECK((plan != nullptr) == (expected == ATTN_OK));
      guest.api->plan_destroy(plan);

      Longer<attn_create_args> create_args{guest.create_args, tail};
      create_args.now.struct_size += 8;
      attn_instance* instance = nullptr;
      CHECK(guest.api->create(&create_args.now, &instance, &guest.error) == expected);
      guest.api->destroy(instance);
    }
  }
}

TEST_CASE("longer bindings and execute arguments obey the same rule", "[abi]") {
  for (const char* path : kProviders) {
    INFO(path);
    Guest guest(load_table(path));
    Request request(Case{});
    REQUIRE(guest.run(request) == ATTN_OK);  // also gives it a workspace
    attn_plan* plan = nullptr;
    REQUIRE(guest.api->plan_create(guest.instance, &request.plan_args, &plan, &guest.error) ==
            ATTN_OK);
    for (uint64_t tail : {0, 1}) {
      attn_status expected = tail ? ATTN_UNSUPPORTED_FEATURE : ATTN_OK;
      Longer<attn_execute_args> args{request.execute_args, tail};
      args.now.struct_size += 8;
      CHECK(guest.api->execute(plan, &args.now, &guest.error) == expected);

      Longer<attn_binding> binding{request.bindings[0], tail};
      binding.now.struct_size += 8;
      request.binding_pointers[0] = &binding.now;
      CHECK(guest.api->execute(plan, &request.execute_args, &guest.error) == expected);
      request.binding_pointers[0] = &request.bindings[0];
    }
    guest.api->plan_destroy(plan);
  }
}

TEST_CASE("a request shorter than in 1.0 is an invalid argument", "[abi]") {
  for (const char* path : kProviders) {
    INFO(path);
    Guest guest(load_table(path));
    Request request(Case{});
    for (uint32_t* struct_size : {&request.plan_args.struct_size, &request.problem.struct_size,
                                  &request.specs[2].struct_size}) {
      *struct_size -= 1;
      CHECK(guest.supports(request) == ATTN_INVALID_ARGUMENT);
      *struct_size += 1;
    }
    CHECK(guest.supports(request) == ATTN_OK);
  }
}

TEST_CASE("facts longer than a provider knows are ignored", "[abi]") {
  for (const char* path : kProviders) {
    INFO(path);
    Guest guest(load_table(path));
    Longer<attn_device> device{guest.device, 1};
    device.now.struct_size += 8;
    int32_t score = 0;
    CHECK(guest.api->probe(guest.id, &device.now, &score, &guest.error) == ATTN_OK);
    CHECK(score >= 1);
    CHECK(score <= 100);
  }
}

TEST_CASE("answers are written no further than their size", "[abi]") {
  for (const char* path : kProviders) {
    INFO(path);
    Guest guest(load_table(path));
    Request request(Case{});
    attn_plan* plan = nullptr;
    REQUIRE(guest.api->plan_create(guest.instance, &request.plan_args, &plan, nullptr) == ATTN_OK);
    Longer<attn_plan_info> info{{}, 42};
    info.now.struct_size = sizeof info;
    CHECK(guest.api->plan_info(plan, &info.now, &guest.error) == ATTN_OK);
    CHECK(info.added == 42);
    info.now.struct_size = ATTN_SIZE_TO(attn_plan_info, options);
    CHECK(guest.api->plan_info(plan, &info.now, &guest.error) == ATTN_INVALID_ARGUMENT);

    attn_error tiny = guest.error;
    tiny.struct_size = ATTN_SIZE_TO(attn_error, native_code);
    tiny.status = 42;
    CHECK(guest.api->plan_info(plan, nullptr, &tiny) == ATTN_INVALID_ARGUMENT);
    CHECK(tiny.status == 42);  // a record that small is left alone
    guest.api->plan_destroy(plan);
  }
}

TEST_CASE("providers of all ages compute the same attention", "[abi]") {
  for (const char* path : kProviders) {
    INFO(path);
    Guest guest(load_table(path));
    Request request(Case{.batch = 2,
                         .heads_q = 4,
                         .heads_kv = 2,
                         .seqlen_q = 5,
                         .seqlen_kv = 9,
                         .head_dim_qk = 16,
                         .head_dim_v = 8,
                         .is_bhsd = true});
    attn_status status = guest.run(request);
    INFO(guest.message());
    REQUIRE(status == ATTN_OK);
    check_outputs(request, 1e-5);
  }
}

TEST_CASE("an entry serves a host whose minors overlap its own, and no other", "[abi]") {
  for (const char* path : kProviders) {
    INFO(path);
    void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    REQUIRE(library != nullptr);
    auto entry =
        reinterpret_cast<attn_provider_entry_v1_fn>(dlsym(library, "attn_provider_entry_v1"));
    REQUIRE(entry != nullptr);
    CHECK(entry(0, 0) != nullptr);
    CHECK(entry(0, 7) == entry(0, 0));  // always the same table
    CHECK(entry(900, 1000) == nullptr);
  }
}

}  // namespace
}  // namespace attnbench
