// attnbench/provider.hpp: writing a provider in C++20. A class becomes the table of provider.h.
//
// What you write:
//
//   class MyPlan {
//    public:
//     attn::PlanInfo info() const;                      // workspace, resolved options, kernels
//     void execute(const attn::Execution& pass);        // one pass; throws attn::Failure
//   };
//   class MyProvider {
//    public:
//     static attn::Descriptor descriptor();             // static facts, no device touched
//     static int32_t probe(const attn::Device&);        // score 1 to 100, throws Failure if
//     unusable explicit MyProvider(const attn::CreateRequest&);  // a provider on a device
//     attn::Answer supports(const attn::PlanRequest&);  // attn::yes() or attn::refuse(status, why)
//     std::unique_ptr<MyPlan> make_plan(const attn::PlanRequest&);  // after supports said yes
//   };
//   ATTN_PROVIDERS(MyProvider)                          // once a library; several classes may
//   share
//
// What is done for you: rule 1 (sizes and tails), unknown numbers, features and dtypes that the
// descriptor does not name, shapes and roles against the problem, option parsing, bindings against
// specs, exceptions to statuses (attn::Failure is its own, std::bad_alloc is OUT_OF_HOST_MEMORY,
// any other INTERNAL), the error record, and the lifetime of all that plan_info points to. What is
// left to you: limits of your own (head_dim, strides, alignment) in supports(), and the
// mathematics.
#pragma once

#include <concepts>
#include <memory>
#include <optional>

#include "attnbench/detail/execution.hpp"
#include "attnbench/detail/options.hpp"
#include "attnbench/detail/request.hpp"
#include "attnbench/half.hpp"
#include "attnbench/provider.h"

namespace attn {

// Text is borrowed: use literals.
struct Descriptor {
  const char *id, *name, *vendor, *version, *license, *description;
  uint64_t features = 0;
  std::vector<int32_t> device_types;
  std::vector<attn_dtype> dtypes;
  std::vector<OptionSpec> options = {};
  bool allows_mixed_dtypes = false;  // may BIAS, O and gradients differ from Q, K and V?
};

struct Device {
  attn_device_id id{};
  int32_t cc_major = 0, cc_minor = 0;
  uint64_t total_memory_bytes = 0, shared_memory_bytes = 0;
  std::string name;
};

// attnbench, as seen from inside; lives as long as the instance.
class Host {
 public:
  explicit Host(const attn_host* host) : host_(host) {}
  void log(int32_t level, const std::string& text) const {
    if (ATTN_HAS(host_, attn_host, log)) host_->log(host_->ctx, level, text.c_str());
  }
  std::optional<std::string> config(const char* key) const {
    if (!ATTN_HAS(host_, attn_host, config)) return std::nullopt;
    const char* value = host_->config(host_->ctx, key);
    return value ? std::optional<std::string>(value) : std::nullopt;
  }
  const void* extension(const char* id) const {
    if (!ATTN_HAS(host_, attn_host, get_extension)) return nullptr;
    return host_->get_extension(host_->ctx, id);
  }

 private:
  const attn_host* host_;
};

struct CreateRequest {
  Host host;
  Device device;
};

struct KernelInfo {  // as attn_kernel_info
  std::string name;
  uint32_t regs_per_thread = 0, spill_bytes = 0, smem_bytes = 0;
  std::array<uint32_t, 3> grid{}, block{}, cluster{};
};

struct PlanInfo {
  uint64_t workspace_bytes = 0;
  uint64_t workspace_alignment = 256;
  uint32_t flags = 0;              // of ATTN_PLAN_
  std::optional<Options> options;  // as finally used; unset: as asked for
  std::vector<KernelInfo> kernels;
};

template <class P>
concept PlanClass = requires(P plan, const P& fixed, const Execution& pass) {
  { fixed.info() } -> std::same_as<PlanInfo>;
  plan.execute(pass);
};
template <class P>
concept ProviderClass = std::constructible_from<P, const CreateRequest&> &&
    requires(P p, const PlanRequest& request) {
  { P::descriptor() } -> std::same_as<Descriptor>;
  { P::probe(std::declval<const Device&>()) } -> std::same_as<int32_t>;
  { p.supports(request) } -> std::same_as<Answer>;
  { *p.make_plan(request) } -> PlanClass;
};

}  // namespace attn

#include "attnbench/detail/table.hpp"

// Defines the one exported symbol.
#define ATTN_PROVIDERS(...)                                                   \
  extern "C" ATTN_EXPORT const attn_provider_api* attn_provider_entry_v1(     \
      uint32_t host_minor_min, uint32_t host_minor_max) noexcept {            \
    return attn::provider_table<__VA_ARGS__>(host_minor_min, host_minor_max); \
  }
