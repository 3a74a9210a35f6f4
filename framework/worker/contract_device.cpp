// Facts about a provider on a GPU: which stream it uses, whether it waits or allocates, which
// context it leaves. The calls are sound ones; what is looked at happens beside them.
#include "worker/contract_device.h"

#include <fmt/format.h>

#include <chrono>

#include "device/cuda_facts.h"
#include "device/open_device.h"
#include "worker/contract_groups.h"

namespace attnbench {
namespace {

// Long against any launch, so that work which does not wait for it is over by its end.
constexpr double kHoldMs = 100.0;
constexpr int kPasses = 20;

void execute_unwaited(ContractStage& stage) {
  const attn_execute_args pass = stage.execute_args();
  attn_plan* const plan = stage.plan();
  stage.channel().enter(Phase::execute);
  ErrorRecord error;
  error.throw_unless_ok(stage.api().execute(plan, &pass, error.get()));
}

// Ours, the provider's words and the driver's, as far as there are any.
std::string with_words(const std::string& promise, const std::string& provider,
                       const std::string& driver) {
  std::string text = promise;
  if (!provider.empty()) text += " (it says: " + provider + ")";
  if (!driver.empty()) text += " (the driver says: " + driver + ")";
  return text;
}

void ask_while_watched(ContractStage& stage, Watched watched, const std::string& promise) {
  const CudaProbe gpu = probe_of(stage);
  const std::vector<float> before = sound_output(stage);
  const attn_execute_args pass = stage.execute_args();
  ErrorRecord error;
  attn_status status = ATTN_OK;
  stage.poison_outputs();
  stage.channel().enter(Phase::execute);
  const std::string refusal =
      gpu.watch(watched, [&] { status = stage.api().execute(stage.plan(), &pass, error.get()); });
  stage.note(
      with_words(promise, error.text(), refusal),
      status == ATTN_OK && refusal.empty() && ContractStage::is_close(stage.output(), before));
}

}  // namespace

CudaProbe probe_of(ContractStage& stage) {
  CudaDevice* const gpu = dynamic_cast<CudaDevice*>(&stage.device());
  if (gpu != nullptr) return CudaProbe(*gpu);
  throw CallFailure(Outcome::internal_error, "no-gpu", "this is asked of providers on a GPU alone");
}

std::vector<float> sound_output(ContractStage& stage) {
  stage.execute(stage.plan(), stage.execute_args());
  return stage.output();
}

void ask_about_context_of_probe(ContractStage& stage) {
  const std::optional<int> ordinal = cuda_ordinal(stage.request().device);
  const DeviceIdentity device(stage.request().device);
  stage.note("loading makes no context", !has_primary_context(*ordinal));
  stage.channel().enter(Phase::probe);
  int32_t score = 0;
  stage.api().probe(stage.desc().id, &device.facts, &score, nullptr);
  stage.note("probe makes no context", !has_primary_context(*ordinal));
}

// Outputs are poisoned behind the work that holds the stream up. So what a pass has written before
// its turn, on another stream, is gone.
void ask_behind_other_work(ContractStage& stage) {
  const CudaProbe gpu = probe_of(stage);
  const std::vector<float> before = sound_output(stage);
  gpu.hold(kHoldMs);
  stage.poison_outputs();
  execute_unwaited(stage);
  stage.note("a pass takes its turn behind what the stream has to do before",
             ContractStage::is_close(stage.output(), before));
}

void ask_for_return(ContractStage& stage) {
  const CudaProbe gpu = probe_of(stage);
  sound_output(stage);  // a first pass may load code, and so wait
  gpu.hold(kHoldMs);
  const std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
  execute_unwaited(stage);
  const std::chrono::duration<double, std::milli> elapsed =
      std::chrono::steady_clock::now() - start;
  stage.note(fmt::format("execute returns before the GPU has done the pass (after {:.1f} ms of "
                         "{:.0f} ms)",
                         elapsed.count(), kHoldMs),
             gpu.is_busy() && elapsed.count() < kHoldMs / 2);
}

void ask_about_default_stream(ContractStage& stage) {
  ask_while_watched(stage, Watched::default_stream, "execute leaves the default stream alone");
}

void ask_about_allocation(ContractStage& stage) {
  sound_output(stage);
  const uint64_t bytes = stage.device().bytes_in_use();
  for (int i = 0; i < kPasses; ++i) execute_unwaited(stage);
  stage.device().synchronize();
  stage.note(fmt::format("{} passes leave the GPU's free memory as it was", kPasses),
             stage.device().bytes_in_use() == bytes);
  ask_while_watched(stage, Watched::unsafe_calls, "execute neither allocates nor frees nor waits");
}

void ask_to_capture(ContractStage& stage) {
  if ((stage.info(stage.plan()).flags & ATTN_PLAN_GRAPH_SAFE) == 0) {
    return stage.nothing_to_ask("its plan does not say ATTN_PLAN_GRAPH_SAFE");
  }
  Device& device = stage.device();
  const std::vector<float> first = sound_output(stage);
  stage.tensors().use_variant(1);
  const std::vector<float> second = sound_output(stage);
  try {
    device.record([&] { execute_unwaited(stage); });
  } catch (const DeviceError& error) {
    return stage.note(with_words("a pass can be captured", "", error.what()), false);
  } catch (const CallFailure& failure) {
    return stage.note(with_words("a pass can be captured", failure.what(), ""), false);
  }
  const auto replay = [&](int variant, const char* promise, const std::vector<float>& wanted) {
    stage.tensors().use_variant(variant);
    stage.poison_outputs();
    if (stage.workspace().bytes() > 0) device.poison(stage.workspace());
    device.replay();
    stage.note(promise, ContractStage::is_close(stage.output(), wanted));
  };
  replay(1, "a replayed pass gives the same answer", second);
  replay(0, "a replayed pass with other inputs gives their answer", first);
  device.forget_recording();
}

// Calls that are refused count as well: an early return is where a context is forgotten.
void ask_about_context(ContractStage& stage) {
  const CudaProbe gpu = probe_of(stage);
  const attn_provider_api& api = stage.api();
  const attn_create_args create = stage.create_args();
  const attn_plan_args& sound = stage.plan_args();
  Question huge(sound);
  huge.problem.seqlen_kv = 1'000'000;
  huge.reshape();
  stage.execute(stage.plan(), stage.execute_args());
  const attn_execute_args pass = stage.execute_args();
  const std::string context = gpu.current_context();
  attn_instance* instance = nullptr;
  attn_plan* plan = nullptr;
  const auto note_after = [&](const char* call, Phase phase, const std::function<void()>& make) {
    stage.channel().enter(phase);
    make();
    stage.note(fmt::format("the context is current after {}", call),
               gpu.current_context() == context);
  };
  note_after("create", Phase::create, [&] { api.create(&create, &instance, nullptr); });
  note_after("supports", Phase::supports, [&] { api.supports(instance, &sound, nullptr); });
  note_after("supports of a large problem", Phase::supports,
             [&] { api.supports(instance, &huge.args(), nullptr); });
  note_after("plan_create", Phase::plan_create,
             [&] { api.plan_create(instance, &sound, &plan, nullptr); });
  note_after("plan_info", Phase::plan_create, [&] { stage.info(plan); });
  note_after("execute", Phase::execute, [&] { api.execute(plan, &pass, nullptr); });
  stage.device().synchronize();
  note_after("plan_destroy", Phase::plan_destroy, [&] { api.plan_destroy(plan); });
  note_after("destroy", Phase::destroy, [&] { api.destroy(instance); });
}

}  // namespace attnbench
