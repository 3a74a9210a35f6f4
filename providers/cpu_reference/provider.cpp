// cpu_reference: attention as its definition says, in fp32 on one core, all scores of a row at
// once. Read forward.cpp first. Nothing here is fast; it is what a fast provider is explained by.
#include "attention.h"

namespace cpu_reference {
namespace {

class Plan {
 public:
  explicit Plan(const attn::PlanRequest& request)
      : task_{request.problem, static_cast<float>(request.softmax_scale())} {}

  attn::PlanInfo info() const {
    attn::PlanInfo out;
    out.workspace_bytes = is_backward() ? backward_workspace_bytes(task_.problem)
                                        : forward_workspace_bytes(task_.problem);
    out.flags = ATTN_PLAN_DETERMINISTIC;
    return out;
  }
  void execute(const attn::Execution& pass) {
    is_backward() ? backward(task_, pass) : forward(task_, pass);
  }

 private:
  bool is_backward() const { return task_.problem.op == ATTN_OP_BWD; }
  Task task_;
};

class Provider {
 public:
  static attn::Descriptor descriptor() {
    return {.id = "cpu_reference",
            .name = "CPU reference",
            .vendor = "attnbench",
            .version = "1.0.0",
            .license = "Apache-2.0",
            .description = "Unfused attention in fp32 on one core: the definition, made to run.",
            .features = ATTN_FEATURE_CAUSAL | ATTN_FEATURE_BIAS | ATTN_FEATURE_GQA |
                        ATTN_FEATURE_BWD | ATTN_FEATURE_LSE | ATTN_FEATURE_DETERMINISTIC,
            .device_types = {ATTN_DEVICE_CPU},
            .dtypes = {attn::kFp16, attn::kBf16, attn::kFp32},
            .allows_mixed_dtypes = true};
  }
  static int32_t probe(const attn::Device&) { return 1; }
  explicit Provider(const attn::CreateRequest&) {}

  attn::Answer supports(const attn::PlanRequest&) const { return attn::yes(); }
  std::unique_ptr<Plan> make_plan(const attn::PlanRequest& request) {
    return std::make_unique<Plan>(request);
  }
};

}  // namespace
}  // namespace cpu_reference

ATTN_PROVIDERS(cpu_reference::Provider)
