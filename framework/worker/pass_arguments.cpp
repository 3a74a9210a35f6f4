#include "worker/pass_arguments.h"

#include <fmt/format.h>

#include "base/text.h"
#include "model/provider_info.h"
#include "provider/call_failure.h"
#include "provider/table.h"

namespace attnbench {
namespace {

int32_t abi_role(Role role) {
  switch (role) {
    case Role::q:
      return ATTN_ROLE_Q;
    case Role::k:
      return ATTN_ROLE_K;
    case Role::v:
      return ATTN_ROLE_V;
    case Role::o:
      return ATTN_ROLE_O;
    case Role::lse:
      return ATTN_ROLE_LSE;
    case Role::bias:
      return ATTN_ROLE_BIAS;
    case Role::do_:
      return ATTN_ROLE_DO;
    case Role::dq:
      return ATTN_ROLE_DQ;
    case Role::dk:
      return ATTN_ROLE_DK;
    case Role::dv:
      return ATTN_ROLE_DV;
  }
  return 0;
}

attn_dtype abi_dtype(Dtype dtype) {
  switch (dtype) {
    case Dtype::fp16:
      return {ATTN_DTYPE_FLOAT, 16, 1};
    case Dtype::bf16:
      return {ATTN_DTYPE_BFLOAT, 16, 1};
    case Dtype::fp32:
      return {ATTN_DTYPE_FLOAT, 32, 1};
  }
  return {};
}

int32_t abi_mask(Causal causal) {
  switch (causal) {
    case Causal::none:
      return ATTN_MASK_NONE;
    case Causal::top_left:
      return ATTN_MASK_CAUSAL_TOP_LEFT;
    case Causal::bottom_right:
      return ATTN_MASK_CAUSAL_BOTTOM_RIGHT;
  }
  return ATTN_MASK_NONE;
}

attn_problem abi_problem(const Problem& problem, Pass pass, uint64_t features) {
  attn_problem abi{};
  abi.struct_size = ATTN_SIZE_TO(attn_problem, window_right);
  abi.op = pass == Pass::fwd ? ATTN_OP_FWD : ATTN_OP_BWD;
  abi.mask = abi_mask(problem.causal);
  abi.features = features;
  abi.batch = problem.batch;
  abi.heads_q = problem.heads;
  abi.heads_kv = problem.kv_heads;
  abi.seqlen_q = problem.seqlen_q;
  abi.seqlen_kv = problem.seqlen_kv;
  abi.head_dim_qk = problem.head_dim;
  abi.head_dim_v = problem.head_dim;
  abi.scale = problem.scale;
  return abi;
}

void check_declared(const Problem& problem, uint64_t features, const attn_provider_desc& provider) {
  const uint64_t missing = features & ~provider.features;
  if (missing != 0) {
    throw CallFailure(
        Outcome::unsupported, "undeclared-feature",
        fmt::format("{} does not declare: {}", provider.id, join(feature_names(missing), ", ")));
  }
  const std::string_view wanted = enum_to_text(kDtypes, problem.dtype);
  for (uint32_t i = 0; i < provider.num_dtypes; ++i) {
    if (dtype_name(provider.dtypes[i]) == wanted) return;
  }
  throw CallFailure(Outcome::unsupported, "undeclared-dtype",
                    fmt::format("{} does not declare: {}", provider.id, wanted));
}

// ATTN_INT where the provider does not know the option: its own refusal names the valid ones.
int32_t declared_type(const std::string& option, const attn_provider_desc& provider) {
  for (uint32_t i = 0; i < provider.num_options; ++i) {
    if (provider.options[i]->name == option) return provider.options[i]->type;
  }
  return ATTN_INT;
}

}  // namespace

uint64_t features_of(const Problem& problem, Pass pass, bool wants_lse) {
  uint64_t features = 0;
  if (problem.causal != Causal::none) features |= ATTN_FEATURE_CAUSAL;
  if (problem.bias != Bias::none) features |= ATTN_FEATURE_BIAS;
  if (problem.kv_heads < problem.heads) features |= ATTN_FEATURE_GQA;
  if (pass == Pass::bwd) features |= ATTN_FEATURE_BWD;
  if (pass == Pass::fwd && wants_lse) features |= ATTN_FEATURE_LSE;
  return features;
}

PassArguments::PassArguments(const CaseTensors& tensors, Pass pass, bool wants_lse,
                             const Options& options, const attn_provider_desc& provider) {
  const Problem& problem = tensors.problem();
  const uint64_t features = features_of(problem, pass, wants_lse);
  check_declared(problem, features, provider);
  problem_ = abi_problem(problem, pass, features);

  const PassRoles roles = roles_of(problem, pass);
  for (const Role role : roles.inputs) add_tensor(tensors, role, ATTN_ACCESS_READ);
  for (const Role role : roles.outputs) {
    if (role == Role::lse && !wants_lse) continue;
    add_tensor(tensors, role, ATTN_ACCESS_WRITE);
    outputs_.push_back(role);
  }
  for (const auto& [name, value] : options) add_option(name, value, provider);

  plan_args_.struct_size = ATTN_SIZE_TO(attn_plan_args, options);
  plan_args_.num_specs = static_cast<uint32_t>(spec_pointers_.size());
  plan_args_.num_options = static_cast<uint32_t>(option_pointers_.size());
  plan_args_.problem = &problem_;
  plan_args_.specs = spec_pointers_.data();
  plan_args_.options = option_pointers_.data();
}

void PassArguments::add_tensor(const CaseTensors& tensors, Role role, uint32_t access) {
  TensorLayout& layout = layouts_.emplace_back(tensors.layout(role));
  attn_tensor_spec& spec = specs_.emplace_back();
  spec.struct_size = ATTN_SIZE_TO(attn_tensor_spec, access);
  spec.role = abi_role(role);
  spec.dtype = abi_dtype(layout.dtype);
  spec.ndim = static_cast<int32_t>(layout.shape.size());
  spec.shape = layout.shape.data();
  spec.strides = layout.strides.data();
  spec.alignment = 256;
  spec.access = access;
  spec_pointers_.push_back(&spec);

  attn_binding& binding = bindings_.emplace_back();
  binding.struct_size = ATTN_SIZE_TO(attn_binding, tensor);
  binding.role = spec.role;
  binding.tensor.data = tensors.buffer(role).data();
  binding.tensor.device = tensors.device_id();
  binding.tensor.ndim = spec.ndim;
  binding.tensor.dtype = spec.dtype;
  binding.tensor.shape = layout.shape.data();
  binding.tensor.strides = layout.strides.data();
  binding_pointers_.push_back(&binding);
}

void PassArguments::add_option(const std::string& name, const OptionValue& value,
                               const attn_provider_desc& provider) {
  attn_option& option = options_.emplace_back();
  option.struct_size = ATTN_SIZE_TO(attn_option, string_value);
  option.name = texts_.emplace_back(name).c_str();
  if (const int64_t* integer = std::get_if<int64_t>(&value)) {
    // "scale = 2" in a sweep means 2.0 where a float is declared.
    const bool is_float = declared_type(name, provider) == ATTN_FLOAT;
    option.type = is_float ? ATTN_FLOAT : ATTN_INT;
    option.int_value = is_float ? 0 : *integer;
    option.float_value = is_float ? static_cast<double>(*integer) : 0.0;
  } else if (const double* number = std::get_if<double>(&value)) {
    option.type = ATTN_FLOAT;
    option.float_value = *number;
  } else {
    option.type = ATTN_STRING;
    option.string_value = texts_.emplace_back(std::get<std::string>(value)).c_str();
  }
  option_pointers_.push_back(&option);
}

attn_execute_args PassArguments::execute_args(const Buffer* workspace, void* stream) const {
  attn_execute_args args{};
  args.struct_size = ATTN_SIZE_TO(attn_execute_args, stream);
  args.num_bindings = static_cast<uint32_t>(binding_pointers_.size());
  args.bindings = binding_pointers_.data();
  if (workspace != nullptr) {
    args.workspace = workspace->data();
    args.workspace_bytes = workspace->bytes();
  }
  args.stream = stream;
  return args;
}

}  // namespace attnbench
