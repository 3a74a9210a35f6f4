// Facts about execute: one right pass, wrong arguments, and the same pass under other conditions.
#include <fmt/format.h>

#include <cmath>
#include <thread>

#include "worker/contract_groups.h"

namespace attnbench {
namespace {

// A pass with the stage's own plan and sound arguments; what O holds after it.
std::vector<float> sound_output(ContractStage& stage) {
  stage.execute(stage.plan(), stage.execute_args());
  return stage.output();
}

void ask_to_execute(ContractStage& stage, const std::string& about, const attn_execute_args& args) {
  attn_plan* plan = stage.plan();
  stage.poison_outputs();
  stage.ask("execute with " + about, Phase::execute,
            [&](attn_error* error) { return stage.api().execute(plan, &args, error); });
  stage.note(fmt::format("execute with {} writes nothing", about), stage.outputs_are_untouched());
}

template <typename Bend>
void ask_bent(ContractStage& stage, const std::string& about, Bend bend) {
  PassQuestion question(stage.execute_args());
  bend(question);
  ask_to_execute(stage, about, question.args());
}

}  // namespace

void ask_for_one_pass(ContractStage& stage) {
  const attn_provider_api& api = stage.api();
  const attn_create_args create = stage.create_args();
  attn_instance* instance = nullptr;
  if (stage.ask("create", Phase::create, [&](attn_error* error) {
        return api.create(&create, &instance, error);
      }) != ATTN_OK) {
    return;
  }
  stage.note("create with ATTN_OK leaves an instance", instance != nullptr);
  if (instance == nullptr) return;
  const attn_plan_args& args = stage.plan_args();
  if (stage.ask("supports", Phase::supports, [&](attn_error* error) {
        return api.supports(instance, &args, error);
      }) != ATTN_OK) {
    return;
  }
  attn_plan* plan = nullptr;
  stage.ask("plan_create", Phase::plan_create,
            [&](attn_error* error) { return api.plan_create(instance, &args, &plan, error); });
  if (plan == nullptr) return stage.note("plan_create with ATTN_OK leaves a plan", false);
  stage.ask("plan_info", Phase::plan_create, [&](attn_error* error) {
    attn_plan_info info{};
    info.struct_size = ATTN_SIZE_TO(attn_plan_info, kernels);
    return api.plan_info(plan, &info, error);
  });
  stage.destroy(plan);
  stage.destroy(instance);
  attn_plan* own = stage.plan();
  const attn_execute_args pass = stage.execute_args();
  stage.poison_outputs();
  stage.ask("execute", Phase::execute,
            [&](attn_error* error) { return api.execute(own, &pass, error); });
  stage.device().synchronize();
}

void ask_with_wrong_bindings(ContractStage& stage) {
  ask_bent(stage, "one binding missing",
           [](PassQuestion& question) { question.bindings.pop_back(); });
  ask_bent(stage, "bindings in another order",
           [](PassQuestion& question) { std::swap(question.bindings[0], question.bindings[1]); });
  ask_bent(stage, "Q bound in place of K",
           [](PassQuestion& question) { question.bindings[1] = question.bindings[0]; });
  ask_bent(stage, "Q without data",
           [](PassQuestion& question) { question.binding(ATTN_ROLE_Q).tensor.data = nullptr; });
  ask_bent(stage, "Q on another device",
           [](PassQuestion& question) { question.binding(ATTN_ROLE_Q).tensor.device.id += 7; });
  std::vector<int64_t> shape;
  ask_bent(stage, "V of another shape than its spec", [&shape](PassQuestion& question) {
    attn_tensor& tensor = question.binding(ATTN_ROLE_V).tensor;
    shape.assign(tensor.shape, tensor.shape + tensor.ndim);
    shape[1] -= 1;
    tensor.shape = shape.data();
  });
  ask_bent(stage, "Q less aligned than its spec",
           [](PassQuestion& question) { question.binding(ATTN_ROLE_Q).tensor.byte_offset = 2; });
  attn_execute_args bare = stage.execute_args();
  bare.bindings = nullptr;
  ask_to_execute(stage, "bindings NULL", bare);
}

void ask_with_wrong_workspace(ContractStage& stage) {
  stage.plan();
  const attn_execute_args sound = stage.execute_args();
  if (sound.workspace_bytes == 0) return stage.nothing_to_ask("the plan needs no workspace");
  attn_execute_args bent = sound;
  bent.workspace = nullptr;
  ask_to_execute(stage, "workspace NULL", bent);
  bent = sound;
  bent.workspace_bytes -= 1;
  ask_to_execute(stage, "a workspace that is a byte too small", bent);
  bent = sound;
  bent.workspace = static_cast<char*>(sound.workspace) + 1;
  ask_to_execute(stage, "a workspace that is not aligned", bent);
}

void ask_after_errors(ContractStage& stage) {
  const std::vector<float> before = sound_output(stage);
  stage.channel().enter(Phase::supports);
  Question question(stage.plan_args());
  question.problem.batch = 0;
  attn_plan* none = nullptr;
  stage.api().supports(stage.instance(), &question.args(), nullptr);
  stage.api().plan_create(stage.instance(), &question.args(), &none, nullptr);
  if (none != nullptr) stage.destroy(none);
  attn_execute_args bare = stage.execute_args();
  bare.num_bindings = 0;
  stage.channel().enter(Phase::execute);
  stage.api().execute(stage.plan(), &bare, nullptr);
  const std::vector<float> after = sound_output(stage);
  stage.note("a sound pass after refused calls gives the same answer",
             ContractStage::is_close(after, before));
}

void ask_with_byte_offset(ContractStage& stage) {
  constexpr uint64_t kOffset = 1 << 10;
  const std::vector<float> before = sound_output(stage);
  PassQuestion question(stage.execute_args());
  for (attn_binding& binding : question.bindings) {
    binding.tensor.data = static_cast<char*>(binding.tensor.data) - kOffset;
    binding.tensor.byte_offset += kOffset;
  }
  stage.execute(stage.plan(), question.args());
  stage.note("data with a byte_offset gives the same answer",
             ContractStage::is_close(stage.output(), before));
}

// Half of the heads, in place: the tensors' strides are then wider than their shapes call for, and
// the answer is known, since heads do not touch each other.
void ask_with_wider_strides(ContractStage& stage) {
  const std::vector<float> whole = sound_output(stage);
  const int64_t heads = stage.request().problem.heads, half = heads / 2;
  Question question(stage.plan_args());
  question.problem.heads_q = question.problem.heads_kv = half;
  for (Question::Spec& spec : question.specs) {
    const bool heads_come_first = spec.abi.role == ATTN_ROLE_LSE || spec.abi.role == ATTN_ROLE_BIAS;
    spec.shape[heads_come_first ? 1 : 2] = half;
  }
  const attn_plan_args& args = question.args();
  ErrorRecord error;
  stage.channel().enter(Phase::supports);
  if (ATTN_CLASS(stage.api().supports(stage.instance(), &args, error.get())) == 1) {
    return stage.nothing_to_ask("it takes contiguous tensors only: " + error.text());
  }
  attn_plan* plan = stage.plan(stage.instance(), args);
  const Buffer workspace = stage.make_workspace(stage.info(plan));
  PassQuestion pass(stage.execute_args(workspace));
  for (attn_binding& binding : pass.bindings) {
    binding.tensor.shape = question.spec(binding.role).shape.data();
  }
  stage.execute(plan, pass.args());
  const std::vector<float> rows = stage.output();
  bool is_same = true, is_confined = true;
  for (size_t i = 0; i < rows.size(); ++i) {
    const bool is_asked_for = stage.head_of_output(i) < half;
    is_same &= !is_asked_for || ContractStage::is_close({rows[i]}, {whole[i]});
    is_confined &= is_asked_for || std::isnan(rows[i]);
  }
  stage.note("strides wider than the shape give the same answer", is_same);
  stage.note("what lies between the rows of O is left alone", is_confined);
  stage.destroy(plan);
}

void ask_from_another_thread(ContractStage& stage) {
  if (stage.desc().device_types[0] != ATTN_DEVICE_CPU) {
    return stage.nothing_to_ask("a context is current on the worker's own thread only");
  }
  const std::vector<float> before = sound_output(stage);
  const attn_execute_args pass = stage.execute_args();
  attn_plan* plan = stage.plan();
  stage.poison_outputs();
  stage.channel().enter(Phase::execute);
  std::thread([&] {
    stage.ask("execute from another thread", Phase::execute,
              [&](attn_error* error) { return stage.api().execute(plan, &pass, error); });
  }).join();
  stage.note("a pass from another thread gives the same answer",
             ContractStage::is_close(stage.output(), before));
}

void ask_two_instances(ContractStage& stage) {
  const std::vector<float> before = sound_output(stage);
  const attn_execute_args pass = stage.execute_args();
  attn_instance* second = stage.create();
  attn_plan* plan = stage.plan(second, stage.plan_args());
  stage.execute(plan, pass);
  stage.note("a second instance beside the first gives the same answer",
             ContractStage::is_close(stage.output(), before));
  stage.destroy(plan);
  stage.destroy(second);
  stage.note("the first instance is right after the second has gone",
             ContractStage::is_close(sound_output(stage), before));
}

void ask_twice(ContractStage& stage) {
  attn_plan* first = stage.plan();
  const bool is_claimed = (stage.info(first).flags & ATTN_PLAN_DETERMINISTIC) != 0;
  const std::vector<float> before = sound_output(stage);
  const uint64_t hash = stage.device().hash(stage.tensors().buffer(Role::o));
  const auto compare = [&](const std::string& about) {
    stage.note(about + " gives the same answer", ContractStage::is_close(stage.output(), before));
    if (!is_claimed) return;
    stage.note(about + " gives the same bits, as ATTN_PLAN_DETERMINISTIC says",
               stage.device().hash(stage.tensors().buffer(Role::o)) == hash);
  };
  stage.execute(first, stage.execute_args());
  compare("a second pass of one plan");
  if (stage.workspace().bytes() > 0) stage.device().poison(stage.workspace());
  stage.execute(first, stage.execute_args());
  compare("a pass whose workspace held NaN");
  attn_plan* second = stage.plan(stage.instance(), stage.plan_args());
  stage.execute(second, stage.execute_args());
  compare("another plan of the same problem");
  stage.destroy(second);
}

}  // namespace attnbench
