#include "provider/instance.h"

#include <fmt/format.h>

#include <bit>
#include <cstring>

#include "base/text.h"
#include "provider/error_record.h"

namespace attnbench {
namespace {

constexpr uint32_t kMaxKernels = 4096;
constexpr uint64_t kMaxWorkspaceAlignment = 1u << 21;

[[noreturn]] void reject_info(const std::string& message) {
  throw CallFailure(Outcome::contract_violation, "bad-plan-info", "plan_info: " + message);
}

std::string text_of(const char* text, const char* what) {
  if (text == nullptr) reject_info(fmt::format("{} is NULL", what));
  const std::string copy(text, strnlen(text, 4096));
  if (!is_valid_utf8(copy)) reject_info(fmt::format("{} is no UTF-8", what));
  return copy;
}

OptionValue value_of(const attn_option& option) {
  switch (option.type) {
    case ATTN_INT:
      return option.int_value;
    case ATTN_FLOAT:
      return option.float_value;
    case ATTN_STRING:
      return text_of(option.string_value, "an option's text");
    default:
      reject_info(fmt::format("an option has the unknown type {}", option.type));
  }
}

Options resolved_options(const attn_plan_info& info, const attn_provider_desc& desc) {
  if (info.num_options > 0 && info.options == nullptr) reject_info("options is NULL");
  if (info.num_options != desc.num_options) {
    reject_info(fmt::format("reports {} options, the provider declares {}", info.num_options,
                            desc.num_options));
  }
  Options options;
  for (uint32_t i = 0; i < info.num_options; ++i) {
    const attn_option* option = info.options[i];
    if (option == nullptr) reject_info("an option is NULL");
    if (option->struct_size < ATTN_SIZE_TO(attn_option, string_value)) {
      reject_info("an option is shorter than in ABI 1.0");
    }
    options[text_of(option->name, "an option's name")] = value_of(*option);
  }
  for (uint32_t i = 0; i < desc.num_options; ++i) {
    if (!options.contains(desc.options[i]->name)) {
      reject_info(fmt::format("does not say what became of option \"{}\"", desc.options[i]->name));
    }
  }
  return options;
}

std::vector<int64_t> extents(const uint32_t (&xyz)[3]) {
  return {xyz[0], xyz[1], xyz[2]};
}

std::vector<KernelInfo> kernels_of(const attn_plan_info& info) {
  if (info.num_kernels > kMaxKernels) reject_info(fmt::format("{} kernels", info.num_kernels));
  if (info.num_kernels > 0 && info.kernels == nullptr) reject_info("kernels is NULL");
  std::vector<KernelInfo> kernels;
  for (uint32_t i = 0; i < info.num_kernels; ++i) {
    const attn_kernel_info* kernel = info.kernels[i];
    if (kernel == nullptr) reject_info("a kernel is NULL");
    if (kernel->struct_size < ATTN_SIZE_TO(attn_kernel_info, cluster)) {
      reject_info("a kernel is shorter than in ABI 1.0");
    }
    kernels.push_back({text_of(kernel->name, "a kernel's name"), kernel->regs_per_thread,
                       kernel->spill_bytes, kernel->smem_bytes, extents(kernel->grid),
                       extents(kernel->block), extents(kernel->cluster)});
  }
  return kernels;
}

}  // namespace

Instance::Instance(const ProviderLibrary& library, const attn_provider_desc& desc,
                   const attn_device& device, const attn_host& host)
    : api_(library.api()), desc_(desc) {
  attn_create_args args{};
  args.struct_size = ATTN_SIZE_TO(attn_create_args, device);
  args.host = &host;
  args.provider_id = desc.id;
  args.device = &device;
  ErrorRecord error;
  error.throw_unless_ok(api_.create(&args, &handle_, error.get()));
  if (handle_ == nullptr) {
    throw CallFailure(Outcome::contract_violation, "null-instance",
                      "create returned ATTN_OK and no instance");
  }
}

Instance::~Instance() {
  api_.destroy(handle_);
}

void Instance::check_support(const attn_plan_args& args) {
  ErrorRecord error;
  error.throw_unless_ok(api_.supports(handle_, &args, error.get()));
}

Plan::Plan(Instance& instance, const attn_plan_args& args) : instance_(instance) {
  ErrorRecord error;
  error.throw_unless_ok(
      instance_.api_.plan_create(instance_.handle_, &args, &handle_, error.get()));
  if (handle_ == nullptr) {
    throw CallFailure(Outcome::contract_violation, "null-plan",
                      "plan_create returned ATTN_OK and no plan");
  }
  try {
    read_info();
  } catch (...) {
    instance_.api_.plan_destroy(handle_);
    throw;
  }
}

Plan::~Plan() {
  instance_.api_.plan_destroy(handle_);
}

void Plan::read_info() {
  attn_plan_info info{};
  info.struct_size = ATTN_SIZE_TO(attn_plan_info, kernels);
  ErrorRecord error;
  error.throw_unless_ok(instance_.api_.plan_info(handle_, &info, error.get()));

  if (info.workspace_alignment != 0) workspace_alignment_ = info.workspace_alignment;
  if (!std::has_single_bit(workspace_alignment_) || workspace_alignment_ > kMaxWorkspaceAlignment) {
    reject_info(fmt::format("workspace_alignment {} is no power of two up to {}",
                            workspace_alignment_, kMaxWorkspaceAlignment));
  }
  facts_.resolved_options = resolved_options(info, instance_.desc_);
  facts_.workspace_bytes = info.workspace_bytes;
  facts_.graph_safe = (info.flags & ATTN_PLAN_GRAPH_SAFE) != 0;
  facts_.deterministic = (info.flags & ATTN_PLAN_DETERMINISTIC) != 0;
  facts_.kernels = kernels_of(info);
}

void Plan::execute(const attn_execute_args& args) {
  ErrorRecord error;
  error.throw_unless_ok(instance_.api_.execute(handle_, &args, error.get()));
}

}  // namespace attnbench
