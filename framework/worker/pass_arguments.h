// One pass of a case in the words of the ABI: problem, specs, options and bindings, built once and
// kept, since the structs point into each other.
#pragma once

#include <attnbench/provider.h>

#include <deque>
#include <string>
#include <vector>

#include "model/trial.h"
#include "worker/case_tensors.h"

namespace attnbench {

class PassArguments {
 public:
  // `wants_lse` of a forward pass: whether LSE is asked for. Throws CallFailure where the provider
  // does not declare what the problem needs: a provider is never asked for that.
  PassArguments(const CaseTensors& tensors, Pass pass, bool wants_lse, const Options& options,
                const attn_provider_desc& provider);
  // Its structs point at each other.
  PassArguments(const PassArguments&) = delete;
  PassArguments& operator=(const PassArguments&) = delete;

  const attn_plan_args& plan_args() const { return plan_args_; }
  attn_execute_args execute_args(const Buffer* workspace, void* stream) const;
  const std::vector<Role>& outputs() const { return outputs_; }

 private:
  void add_tensor(const CaseTensors& tensors, Role role, uint32_t access);
  void add_option(const std::string& name, const OptionValue& value,
                  const attn_provider_desc& provider);

  attn_problem problem_{};
  attn_plan_args plan_args_{};
  std::vector<Role> outputs_;
  // Deques: growing must not move what others point at.
  std::deque<TensorLayout> layouts_;
  std::deque<attn_tensor_spec> specs_;
  std::deque<attn_binding> bindings_;
  std::deque<attn_option> options_;
  std::deque<std::string> texts_;
  std::vector<const attn_tensor_spec*> spec_pointers_;
  std::vector<const attn_binding*> binding_pointers_;
  std::vector<const attn_option*> option_pointers_;
};

// What the problem's pass asks of a provider beyond plain forward (ATTN_FEATURE_ bits).
uint64_t features_of(const Problem& problem, Pass pass, bool wants_lse);

}  // namespace attnbench
