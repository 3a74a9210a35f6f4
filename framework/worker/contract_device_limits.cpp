// Facts about a provider where a GPU has no more to give: memory taken and not given back, tiles
// that need more shared memory than there is, a GPU whose memory others have taken.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "worker/contract_device.h"
#include "worker/contract_groups.h"

namespace attnbench {
namespace {

constexpr int kCycles = 100;
// Beyond these a cycle is dear (a kernel is compiled each time): fewer must do.
constexpr std::chrono::seconds kCyclesMayTake{15};
constexpr uint64_t kDriftBytes = 1 << 20;

bool is_tile(const attn_option_desc& option) {
  return option.type == ATTN_INT && option.num_choices > 0 &&
         (option.flags & ATTN_OPTION_COMPILE_TIME) != 0;
}

int64_t largest(const attn_option_desc& option) {
  return *std::max_element(option.int_choices, option.int_choices + option.num_choices);
}

// The widest rows that it takes at all.
int64_t widest_head_dim(ContractStage& stage) {
  for (const int64_t head_dim : {256, 192, 128, 96}) {
    Question question(stage.plan_args());
    question.problem.head_dim_qk = question.problem.head_dim_v = head_dim;
    question.reshape();
    stage.channel().enter(Phase::supports);
    if (stage.api().supports(stage.instance(), &question.args(), nullptr) == ATTN_OK) {
      return head_dim;
    }
  }
  return stage.request().problem.head_dim;
}

}  // namespace

// Memory comes from the driver in pieces of 2 MiB, and some libraries take one more late: only what
// grows again in the second hundred is a leak.
void ask_about_device_memory(ContractStage& stage) {
  const auto cycle = [&] {
    attn_instance* const instance = stage.create();
    attn_plan* const plan = stage.plan(instance, stage.plan_args());
    stage.execute(plan, stage.execute_args());
    stage.destroy(plan);
    stage.destroy(instance);
  };
  stage.plan();
  for (int i = 0; i < 3; ++i) cycle();  // what is kept for later is kept by now
  int cycles = 0;
  uint64_t grown_bytes = kDriftBytes;
  for (int hundred = 0; hundred < 2 && grown_bytes >= kDriftBytes; ++hundred) {
    const uint64_t before = stage.device().bytes_in_use();
    const std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
    for (cycles = 0; cycles < kCycles && std::chrono::steady_clock::now() - start < kCyclesMayTake;
         ++cycles) {
      cycle();
    }
    const uint64_t after = stage.device().bytes_in_use();
    grown_bytes = after > before ? after - before : 0;
  }
  stage.note(fmt::format("{} instances and plans leave less than 1 MiB behind ({} KiB)", cycles,
                         grown_bytes >> 10),
             grown_bytes < kDriftBytes);
}

void ask_for_largest_tiles(ContractStage& stage) {
  std::vector<const attn_option_desc*> tiles;
  for (uint32_t i = 0; i < stage.desc().num_options; ++i) {
    if (is_tile(*stage.desc().options[i])) tiles.push_back(stage.desc().options[i]);
  }
  if (tiles.empty()) return stage.nothing_to_ask("it declares no tile sizes");
  const std::vector<float> before = sound_output(stage);
  Problem problem = stage.request().problem;
  problem.head_dim = widest_head_dim(stage);
  const CaseTensors tensors(stage.device(), problem, 1);
  Options options;
  std::string asked;
  for (const attn_option_desc* tile : tiles) {
    options[tile->name] = largest(*tile);
    asked += fmt::format(" {}={}", tile->name, largest(*tile));
  }
  const bool has_lse = (stage.desc().features & ATTN_FEATURE_LSE) != 0;
  const PassArguments arguments(tensors, Pass::fwd, has_lse, options, stage.desc());
  attn_plan* plan = nullptr;
  stage.ask(fmt::format("plan_create with head_dim {} and{}", problem.head_dim, asked),
            Phase::plan_create, [&](attn_error* error) {
              return stage.api().plan_create(stage.instance(), &arguments.plan_args(), &plan,
                                             error);
            });
  if (plan != nullptr) {
    const Buffer workspace = stage.make_workspace(stage.info(plan));
    const attn_execute_args pass = arguments.execute_args(
        workspace.bytes() > 0 ? &workspace : nullptr, stage.device().stream());
    stage.ask("execute with" + asked, Phase::execute,
              [&](attn_error* error) { return stage.api().execute(plan, &pass, error); });
    if (stage.device().is_healthy()) stage.destroy(plan);
  }
  stage.note("the context is healthy after it", stage.device().is_healthy());
  if (!stage.device().is_healthy()) return;
  stage.note("a sound pass gives the same answer after it",
             ContractStage::is_close(sound_output(stage), before));
}

// Steps of memory that is left, so that a call gets a little further each time before it fails.
void ask_without_device_memory(ContractStage& stage) {
  const CudaProbe gpu = probe_of(stage);
  const attn_provider_api& api = stage.api();
  const std::vector<float> before = sound_output(stage);
  const attn_create_args create = stage.create_args();
  const attn_execute_args pass = stage.execute_args();
  for (const size_t spare_mib : {0, 2, 16, 128}) {
    const std::string when = fmt::format(" with {} MiB of GPU memory to be had", spare_mib);
    const std::vector<CudaMemory> taken = gpu.take_memory_but(spare_mib << 20);
    attn_instance* instance = nullptr;
    stage.ask("create" + when, Phase::create,
              [&](attn_error* error) { return api.create(&create, &instance, error); });
    attn_plan* plan = nullptr;
    attn_instance* const owner = instance != nullptr ? instance : stage.instance();
    stage.ask("plan_create" + when, Phase::plan_create, [&](attn_error* error) {
      return api.plan_create(owner, &stage.plan_args(), &plan, error);
    });
    stage.ask("execute" + when, Phase::execute,
              [&](attn_error* error) { return api.execute(stage.plan(), &pass, error); });
    if (plan != nullptr) stage.destroy(plan);
    if (instance != nullptr) stage.destroy(instance);
  }
  stage.note("the context is healthy once there is memory again", stage.device().is_healthy());
  attn_instance* const instance = stage.create();
  attn_plan* const plan = stage.plan(instance, stage.plan_args());
  stage.execute(plan, stage.execute_args());
  stage.note("a sound pass gives the same answer once there is memory again",
             ContractStage::is_close(stage.output(), before));
  stage.destroy(plan);
  stage.destroy(instance);
}

}  // namespace attnbench
