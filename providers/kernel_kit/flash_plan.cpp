#include "kernel_kit/flash_plan.h"

#include <algorithm>

#include "kernel_kit/tensor_map.h"

namespace kernel_kit {
namespace {

constexpr uint64_t kPartAlignment = 1024;  // what a swizzled TMA tile wants of its memory

uint64_t rounded_up(uint64_t bytes) {
  return (bytes + kPartAlignment - 1) / kPartAlignment * kPartAlignment;
}

// The workspace holds these in this order.
struct Part {
  uint64_t Recipe::*bytes;
  float* AttentionArguments::*pointer;
};
constexpr Part kParts[] = {{&Recipe::scaled_lse_bytes, &AttentionArguments::scaled_lse},
                           {&Recipe::delta_bytes, &AttentionArguments::delta},
                           {&Recipe::grad_q_sum_bytes, &AttentionArguments::grad_q_sum},
                           {&Recipe::grad_k_sum_bytes, &AttentionArguments::grad_k_sum},
                           {&Recipe::grad_v_sum_bytes, &AttentionArguments::grad_v_sum},
                           {&Recipe::parts_bytes, &AttentionArguments::parts}};

struct Bound {
  int32_t role;
  AttentionTensor AttentionArguments::*tensor;
};
constexpr Bound kTensors[] = {
    {ATTN_ROLE_Q, &AttentionArguments::q},       {ATTN_ROLE_K, &AttentionArguments::k},
    {ATTN_ROLE_V, &AttentionArguments::v},       {ATTN_ROLE_O, &AttentionArguments::o},
    {ATTN_ROLE_BIAS, &AttentionArguments::bias}, {ATTN_ROLE_DO, &AttentionArguments::grad_o},
    {ATTN_ROLE_DQ, &AttentionArguments::grad_q}, {ATTN_ROLE_DK, &AttentionArguments::grad_k},
    {ATTN_ROLE_DV, &AttentionArguments::grad_v}};

const void* address_of(const AttentionArguments& a, Operand operand) {
  const void* const addresses[] = {a.q.data,      a.k.data,      a.v.data,      a.o.data,
                                   a.bias.data,   a.grad_o.data, a.grad_q.data, a.grad_k.data,
                                   a.grad_v.data, a.scaled_lse,  a.delta,       a.grad_q_sum,
                                   a.grad_k_sum,  a.grad_v_sum};
  return addresses[static_cast<size_t>(operand)];
}

std::array<uint32_t, 3> as_array(const Size3& size) {
  return {size.x, size.y, size.z};
}

}  // namespace

FlashPlan::FlashPlan(const gpu::Driver& driver, const Problem& problem, Choice choice,
                     const Binary& binary, const attn::Options& asked)
    : driver_(driver),
      is_bf16_(choice.cell.is_bf16),
      recipe_(std::move(choice.recipe)),
      arguments_(problem.arguments),
      module_(driver, binary.image) {
  info_.options = asked;
  const Tile& tile = choice.cell.tile;
  const std::pair<const char*, int> used[] = {{"block_q", tile.block_q},
                                              {"block_k", tile.block_k},
                                              {"num_warps", tile.num_warps},
                                              {"num_stages", tile.num_stages}};
  for (const auto& [name, value] : used) info_.options->set(name, int64_t{value});
  info_.flags = ATTN_PLAN_GRAPH_SAFE;
  if (recipe_.is_deterministic) info_.flags |= ATTN_PLAN_DETERMINISTIC;
  info_.workspace_alignment = kPartAlignment;
  arguments_.dealt = recipe_.dealt;
  arguments_.num_counters = recipe_.num_counters;
  info_.workspace_bytes = rounded_up(recipe_.num_counters * sizeof(int));
  for (const Part& part : kParts) info_.workspace_bytes += rounded_up(recipe_.*part.bytes);
  steps_.reserve(recipe_.launches.size());
  for (const Launch& launch : recipe_.launches) add_step(launch, *choice.engine, binary.report);
}

void FlashPlan::add_step(const Launch& launch, const Engine& engine, const Report& report) {
  Step& step = steps_.emplace_back();
  step.launch = launch;
  step.function = module_.function(launch);
  step.maps.resize(launch.maps.size());
  step.mapped_addresses.resize(launch.maps.size());
  step.parameters.push_back(&arguments_);
  for (CUtensorMap& map : step.maps) step.parameters.push_back(&map);

  // PTX has no report of ptxas: the driver's own figures count a stack as spills.
  const KernelReport* const compiled = report.find(launch.kernel);
  const auto ask = [&](CUfunction_attribute which) {
    return static_cast<uint32_t>(module_.attribute(step.function, which));
  };
  attn::KernelInfo info;
  info.name = attn::text(engine.name, " ", launch.kernel);
  for (const std::string& warning : report.warnings) info.name += " " + warning;
  info.regs_per_thread = ask(CU_FUNC_ATTRIBUTE_NUM_REGS);
  info.spill_bytes = compiled ? static_cast<uint32_t>(compiled->spill_bytes)
                              : ask(CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES);
  info.smem_bytes = ask(CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES) +
                    static_cast<uint32_t>(launch.dynamic_shared_memory_bytes);
  info.grid = as_array(launch.grid);
  info.block = as_array(launch.block);
  info.cluster = as_array(launch.cluster);
  info_.kernels.push_back(std::move(info));
}

void FlashPlan::bind(const attn::Execution& pass) {
  for (const Bound& bound : kTensors) {
    if (pass.has(bound.role)) (arguments_.*bound.tensor).data = pass.tensor(bound.role).data();
  }
  if (pass.has(ATTN_ROLE_LSE)) {
    arguments_.lse = static_cast<float*>(pass.tensor(ATTN_ROLE_LSE).data());
  }
  char* free = static_cast<char*>(pass.workspace);
  for (const Part& part : kParts) {
    if (recipe_.*part.bytes == 0) continue;
    arguments_.*part.pointer = reinterpret_cast<float*>(free);
    free += rounded_up(recipe_.*part.bytes);
  }
  if (recipe_.num_counters > 0) arguments_.counters = reinterpret_cast<int*>(free);
}

// A map names an address; most passes come with those of the pass before.
void FlashPlan::encode_maps(Step& step) {
  for (size_t i = 0; i < step.maps.size(); ++i) {
    const TensorMap& map = step.launch.maps[i];
    const void* const address = address_of(arguments_, map.operand);
    if (address == step.mapped_addresses[i]) continue;
    step.maps[i] = encode(driver_, map, is_bf16_, address);
    step.mapped_addresses[i] = address;
  }
}

void FlashPlan::execute(const attn::Execution& pass) {
  bind(pass);
  for (Step& step : steps_) {
    encode_maps(step);
    module_.launch(step.function, step.launch, step.parameters.data(), pass.stream);
  }
}

}  // namespace kernel_kit
