// The table itself: one Library object holds the C descriptors of all provider classes, and the two
// opaque objects of the contract get a body here. The lower half of provider.hpp.
#pragma once

#include "attnbench/provider.hpp"

// Declared, but never defined, by provider.h.
struct attn_plan {
  attn_plan(std::vector<attn::TensorSpec> plan_specs, attn_device_id plan_device)
      : specs(std::move(plan_specs)), device(plan_device) {}
  attn_plan(const attn_plan&) = delete;  // info points into its own neighbours
  attn_plan& operator=(const attn_plan&) = delete;
  virtual ~attn_plan() = default;
  virtual void execute(const attn::Execution& pass) = 0;

  // Keeps what `given` says for as long as the plan lives, in the shape of the C contract.
  void keep_info(attn::PlanInfo given) {
    kept = std::move(given);
    if (kept.workspace_alignment == 0) kept.workspace_alignment = 256;
    options = kept.options->to_c();
    option_pointers = attn::detail::pointers_to(options);
    for (const attn::KernelInfo& kernel : kept.kernels) {
      attn_kernel_info info{};
      info.struct_size = ATTN_SIZE_TO(attn_kernel_info, cluster);
      info.name = kernel.name.c_str();
      info.regs_per_thread = kernel.regs_per_thread;
      info.spill_bytes = kernel.spill_bytes;
      info.smem_bytes = kernel.smem_bytes;
      std::copy_n(kernel.grid.begin(), 3, info.grid);
      std::copy_n(kernel.block.begin(), 3, info.block);
      std::copy_n(kernel.cluster.begin(), 3, info.cluster);
      kernels.push_back(info);
    }
    kernel_pointers = attn::detail::pointers_to(kernels);
  }

  std::vector<attn::TensorSpec> specs;
  attn_device_id device;
  attn::PlanInfo kept;
  std::vector<attn_option> options;
  std::vector<const attn_option*> option_pointers;
  std::vector<attn_kernel_info> kernels;
  std::vector<const attn_kernel_info*> kernel_pointers;
};

struct attn_instance {
  virtual ~attn_instance() = default;
  virtual void supports(const attn_plan_args* args) = 0;
  virtual std::unique_ptr<attn_plan> make_plan(const attn_plan_args* args) = 0;
};

namespace attn {
namespace detail {

template <class Plan>
struct PlanOf final : attn_plan {
  PlanOf(std::vector<TensorSpec> plan_specs, attn_device_id plan_device, std::unique_ptr<Plan> made)
      : attn_plan(std::move(plan_specs), plan_device), plan(std::move(made)) {}
  void execute(const Execution& pass) override { plan->execute(pass); }
  std::unique_ptr<Plan> plan;
};

template <ProviderClass Provider>
struct InstanceOf final : attn_instance {
  InstanceOf(const Descriptor& facts, const CreateRequest& request)
      : descriptor(facts), device(request.device.id), provider(request) {}

  PlanRequest take(const attn_plan_args* args) const {
    return take_request(args, descriptor.features, descriptor.dtypes,
                        descriptor.allows_mixed_dtypes, descriptor.options);
  }
  void check_support(const PlanRequest& request) {
    Answer answer = provider.supports(request);
    if (answer.status != ATTN_OK) throw Failure(answer.status, std::move(answer.message));
  }
  void supports(const attn_plan_args* args) override { check_support(take(args)); }

  std::unique_ptr<attn_plan> make_plan(const attn_plan_args* args) override {
    PlanRequest request = take(args);
    check_support(request);
    auto made = provider.make_plan(request);
    using Plan = typename decltype(made)::element_type;
    PlanInfo info = made->info();
    if (!info.options) info.options = request.options;
    auto plan = std::make_unique<PlanOf<Plan>>(std::move(request.specs), device, std::move(made));
    plan->keep_info(std::move(info));
    return plan;
  }

  const Descriptor& descriptor;
  const attn_device_id device;
  Provider provider;
};

// One provider of a library: its facts in both languages, and how to make it.
struct Entry {
  Descriptor facts;
  std::vector<attn_option_desc> options;
  std::vector<const attn_option_desc*> option_pointers;
  attn_provider_desc desc{};
  int32_t (*probe)(const Device&);
  std::unique_ptr<attn_instance> (*create)(const Descriptor&, const CreateRequest&);
};

template <ProviderClass Provider>
std::unique_ptr<attn_instance> create_instance(const Descriptor& facts,
                                               const CreateRequest& request) {
  return std::make_unique<InstanceOf<Provider>>(facts, request);
}

template <ProviderClass Provider>
std::unique_ptr<const Entry> make_entry() {
  auto entry = std::make_unique<Entry>();
  entry->facts = Provider::descriptor();
  entry->probe = &Provider::probe;
  entry->create = &create_instance<Provider>;
  const Descriptor& facts = entry->facts;
  entry->options = to_c(facts.options);
  entry->option_pointers = pointers_to(entry->options);
  attn_provider_desc& desc = entry->desc;
  desc.struct_size = ATTN_SIZE_TO(attn_provider_desc, options);
  desc.num_device_types = static_cast<uint32_t>(facts.device_types.size());
  desc.num_dtypes = static_cast<uint32_t>(facts.dtypes.size());
  desc.num_options = static_cast<uint32_t>(facts.options.size());
  desc.id = facts.id;
  desc.name = facts.name;
  desc.vendor = facts.vendor;
  desc.version = facts.version;
  desc.license = facts.license;
  desc.description = facts.description;
  desc.features = facts.features;
  desc.device_types = facts.device_types.data();
  desc.dtypes = facts.dtypes.data();
  desc.options = entry->option_pointers.data();
  return entry;
}

inline Device take_device(const attn_device* device) {
  require_pointer(device, "attn_device");
  require(device->struct_size >= ATTN_SIZE_TO(attn_device, id), ATTN_INVALID_ARGUMENT,
          "attn_device has no id");
  Device out;
  out.id = device->id;
  if (ATTN_HAS(device, attn_device, cc_major)) out.cc_major = device->cc_major;
  if (ATTN_HAS(device, attn_device, cc_minor)) out.cc_minor = device->cc_minor;
  if (ATTN_HAS(device, attn_device, total_memory_bytes)) {
    out.total_memory_bytes = device->total_memory_bytes;
  }
  if (ATTN_HAS(device, attn_device, shared_memory_bytes)) {
    out.shared_memory_bytes = device->shared_memory_bytes;
  }
  if (ATTN_HAS(device, attn_device, name)) out.name = device->name;
  return out;
}

inline int32_t check_device(const Entry& entry, const Device& device) {
  const std::vector<int32_t>& types = entry.facts.device_types;
  require(std::find(types.begin(), types.end(), device.id.type) != types.end(),
          ATTN_UNSUPPORTED_DEVICE,
          text(entry.facts.id, " does not run on devices of type ", device.id.type));
  return entry.probe(device);
}

// The slots of the table, for the providers of one library.
template <ProviderClass... Providers>
struct Library {
  static const std::vector<std::unique_ptr<const Entry>>& entries() {
    static const std::vector<std::unique_ptr<const Entry>> all = [] {
      std::vector<std::unique_ptr<const Entry>> out;
      (out.push_back(make_entry<Providers>()), ...);
      return out;
    }();
    return all;
  }

  static const Entry& find(const char* provider_id) {
    require_pointer(provider_id, "provider_id");
    for (const std::unique_ptr<const Entry>& entry : entries()) {
      if (std::string_view(entry->facts.id) == provider_id) return *entry;
    }
    throw Failure(ATTN_INVALID_ARGUMENT, text("this library has no provider ", provider_id));
  }

  static attn_status probe(const char* provider_id, const attn_device* device, int32_t* score,
                           attn_error* error) noexcept {
    return guarded(error, [&] {
      require_pointer(score, "score");
      *score = 0;
      *score = check_device(find(provider_id), take_device(device));
    });
  }

  static attn_status create(const attn_create_args* args, attn_instance** instance,
                            attn_error* error) noexcept {
    return guarded(error, [&] {
      require_pointer(instance, "instance");
      *instance = nullptr;
      constexpr uint32_t kBytes = ATTN_SIZE_TO(attn_create_args, device);
      check_request(args, kBytes, kBytes, "attn_create_args");
      require(args->reserved == 0, ATTN_UNSUPPORTED_FEATURE, "attn_create_args.reserved is not 0");
      require_pointer(args->host, "attn_host");
      const Entry& entry = find(args->provider_id);
      CreateRequest request{Host(args->host), take_device(args->device)};
      check_device(entry, request.device);
      *instance = entry.create(entry.facts, request).release();
    });
  }

  static void destroy(attn_instance* instance) noexcept { delete instance; }

  static attn_status supports(attn_instance* instance, const attn_plan_args* args,
                              attn_error* error) noexcept {
    return guarded(error, [&] {
      require_pointer(instance, "instance");
      instance->supports(args);
    });
  }

  static attn_status plan_create(attn_instance* instance, const attn_plan_args* args,
                                 attn_plan** plan, attn_error* error) noexcept {
    return guarded(error, [&] {
      require_pointer(plan, "plan");
      *plan = nullptr;
      require_pointer(instance, "instance");
      *plan = instance->make_plan(args).release();
    });
  }

  static attn_status plan_info(attn_plan* plan, attn_plan_info* info, attn_error* error) noexcept {
    return guarded(error, [&] {
      require_pointer(plan, "plan");
      require_pointer(info, "info");
      require(info->struct_size >= ATTN_SIZE_TO(attn_plan_info, kernels), ATTN_INVALID_ARGUMENT,
              "attn_plan_info is shorter than in ABI 1.0");
      info->flags = plan->kept.flags;
      info->num_options = static_cast<uint32_t>(plan->options.size());
      info->num_kernels = static_cast<uint32_t>(plan->kernels.size());
      info->workspace_bytes = plan->kept.workspace_bytes;
      info->workspace_alignment = plan->kept.workspace_alignment;
      info->options = plan->option_pointers.data();
      info->kernels = plan->kernel_pointers.data();
    });
  }

  static attn_status execute(attn_plan* plan, const attn_execute_args* args,
                             attn_error* error) noexcept {
    return guarded(error, [&] {
      require_pointer(plan, "plan");
      check_execute_args(args, plan->specs, plan->device, plan->kept.workspace_bytes,
                         plan->kept.workspace_alignment);
      plan->execute(Execution(*args));
    });
  }

  static void plan_destroy(attn_plan* plan) noexcept { delete plan; }
};

}  // namespace detail

// What attn_provider_entry_v1 returns. Built on first use, not at load: loading does nothing.
template <ProviderClass... Providers>
const attn_provider_api* provider_table(uint32_t host_minor_min, uint32_t host_minor_max) noexcept {
  if (host_minor_min > ATTN_ABI_MINOR || host_minor_max < host_minor_min) return nullptr;
  using Library = detail::Library<Providers...>;
  static const attn_provider_api* const table = []() noexcept -> const attn_provider_api* {
    static attn_provider_api api{};
    static std::vector<const attn_provider_desc*> descs;
    attn_status status = detail::guarded(nullptr, [] {
      for (const auto& entry : Library::entries()) descs.push_back(&entry->desc);
    });
    if (status != ATTN_OK) return nullptr;
    api.struct_size = ATTN_SIZE_TO(attn_provider_api, plan_destroy);
    api.abi_major = ATTN_ABI_MAJOR;
    api.abi_minor = ATTN_ABI_MINOR;
    api.num_providers = static_cast<uint32_t>(descs.size());
    api.providers = descs.data();
    api.probe = Library::probe;
    api.create = Library::create;
    api.destroy = Library::destroy;
    api.supports = Library::supports;
    api.plan_create = Library::plan_create;
    api.plan_info = Library::plan_info;
    api.execute = Library::execute;
    api.plan_destroy = Library::plan_destroy;
    return &api;
  }();
  return table;
}

}  // namespace attn
