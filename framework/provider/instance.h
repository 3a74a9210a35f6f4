// The C++ face of the table: an Instance is a provider on a device, a Plan an instance made ready
// for one problem. Each call either does what it says or throws CallFailure.
#pragma once

#include <attnbench/provider.h>

#include "model/record.h"
#include "provider/library.h"

namespace attnbench {

class Instance {
 public:
  // All four outlive the instance.
  Instance(const ProviderLibrary& library, const attn_provider_desc& desc,
           const attn_device& device, const attn_host& host);
  ~Instance();
  // Plans point at their instance.
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  const attn_provider_desc& desc() const { return desc_; }
  void check_support(const attn_plan_args& args);

 private:
  friend class Plan;
  const attn_provider_api& api_;
  const attn_provider_desc& desc_;
  attn_instance* handle_ = nullptr;
};

class Plan {
 public:
  Plan(Instance& instance, const attn_plan_args& args);
  ~Plan();
  // Its destruction is a call into the provider, so there is one owner in one place.
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  // As the provider stated them when the plan was made, checked.
  const PlanFacts& facts() const { return facts_; }
  uint64_t workspace_alignment() const { return workspace_alignment_; }
  void execute(const attn_execute_args& args);

 private:
  void read_info();

  Instance& instance_;
  attn_plan* handle_ = nullptr;
  PlanFacts facts_;
  uint64_t workspace_alignment_ = 256;
};

}  // namespace attnbench
