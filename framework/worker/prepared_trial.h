// A trial whose plans exist: it can run its timed passes, and knows what it did wrong so far.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "provider/instance.h"
#include "worker/channel.h"
#include "worker/pass_arguments.h"

namespace attnbench {

class PreparedTrial {
 public:
  // Asks, plans and allocates workspace. Mode bwd needs the provider's forward, too: it makes O and
  // LSE. Throws CallFailure.
  PreparedTrial(Device& device, Instance& instance, CaseTensors& tensors, const Options& options,
                Channel& channel);
  ~PreparedTrial();
  // Providers hold pointers to its workspace.
  PreparedTrial(const PreparedTrial&) = delete;
  PreparedTrial& operator=(const PreparedTrial&) = delete;

  PlanFacts facts() const;  // of all timed passes; workspace_bytes is their sum

  // Brings the inputs of `variant` into place and, in mode bwd, the O and LSE that belong to them.
  void use_variant(int variant);
  // The timed passes, enqueued; nothing else happens here.
  void run() {
    for (const Step& step : timed_) step.plan->execute(step.args);
  }
  // What run() writes, and what it may scribble on: undefined on entry by contract.
  void poison_outputs();
  // All that a pass touches, to be thrown out of the caches.
  std::vector<const Buffer*> buffers() const;
  std::vector<Role> outputs() const;

  // Looks for harm done since the last look, and repairs it; `check` reports what was found.
  void note_harm();
  // What a burst has left in the outputs, now that its passes have been completed.
  void note_outputs();
  // Whether they are anything else a while later.
  bool finds_late_write();
  // Brackets around everything that runs the provider: its memory must not grow from pass to pass.
  void begin_memory_watch();
  void end_memory_watch();

  const std::vector<std::string>& guard_violations() const { return guard_violations_; }
  const std::vector<std::string>& changed_inputs() const { return changed_inputs_; }
  int64_t leaked_bytes() const;
  Device& device() { return device_; }
  const CaseTensors& tensors() const { return tensors_; }

 private:
  struct PassPlan {
    std::string name;  // "fwd", "bwd"
    std::unique_ptr<PassArguments> arguments;
    std::optional<Buffer> workspace;  // outlives the plan, which may point into it
    std::unique_ptr<Plan> plan;
    attn_execute_args execute_args{};
  };
  struct Step {
    Plan* plan;
    attn_execute_args args;
  };
  PassPlan make_plan(Instance& instance, Pass pass, const Options& options);
  void allocate_workspace(PassPlan& pass);
  void run_forward();
  std::vector<uint64_t> output_hashes();

  Device& device_;
  CaseTensors& tensors_;
  Channel& channel_;
  std::vector<PassPlan> passes_;  // fwd first
  std::vector<Step> timed_;
  std::vector<std::string> guard_violations_, changed_inputs_;
  std::vector<uint64_t> noted_hashes_;  // of the outputs
  std::chrono::steady_clock::time_point noted_at_;
  bool has_run_ = false;
  uint64_t bytes_before_run_ = 0;
  int64_t grown_bytes_ = 0;
};

}  // namespace attnbench
