// unfused_sdpa: what jax.nn.dot_product_attention does by default: a GEMM with fp32 scores, scale
// and bias and softmax in fp32, probabilities in 16 bits, another GEMM. What fused attention is
// measured against. This file is the provider as attnbench sees it; plan.cpp is the mathematics.
#include <attnbench/provider.hpp>

#include <limits>

#include "plan.h"

namespace unfused_sdpa {
namespace {

constexpr int64_t kStep = 8;  // elements of 16 bits in the 16 bytes that cuBLASLt's kernels load
constexpr uint32_t kNeededAlignment = 16;

class Provider {
 public:
  static attn::Descriptor descriptor() {
    attn::Descriptor d{};
    d.id = "unfused_sdpa";
    d.name = "Unfused attention";
    d.vendor = "attnbench";
    d.version = "1.0.0";
    d.license = "Apache-2.0";
    d.description = "GEMM, softmax, GEMM, as jax.nn.dot_product_attention by default; cuBLASLt";
    d.features = ATTN_FEATURE_CAUSAL | ATTN_FEATURE_BIAS | ATTN_FEATURE_GQA | ATTN_FEATURE_BWD |
                 ATTN_FEATURE_LSE | ATTN_FEATURE_DETERMINISTIC;
    d.device_types = {ATTN_DEVICE_CUDA};
    d.dtypes = {attn::kFp16, attn::kBf16};
    return d;
  }

  static int32_t probe(const attn::Device& device) {
    gpu::require_ampere(device.cc_major, device.cc_minor);
    const BlasLt found;
    return 50;
  }

  explicit Provider(const attn::CreateRequest& request) {
    request.host.log(ATTN_LOG_INFO, "cuBLASLt " + blas_.lt().version());
  }

  attn::Answer supports(const attn::PlanRequest& request) {
    const attn_problem& p = request.problem;
    constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
    if (p.batch * p.heads_q > kMost / p.seqlen_q || p.seqlen_kv > kMost - kStep) {
      return attn::refuse(ATTN_UNSUPPORTED_SHAPE, "more rows of scores than a grid has blocks");
    }
    for (const int64_t dim : {p.head_dim_qk, p.head_dim_v}) {
      if (dim % kStep == 0) continue;
      return attn::refuse(ATTN_UNSUPPORTED_SHAPE,
                          attn::text("head_dim is ", dim, ", not a multiple of ", kStep));
    }
    for (const attn::TensorSpec& spec : request.specs) {
      if (spec.role == ATTN_ROLE_LSE || spec.role == ATTN_ROLE_BIAS) continue;
      const bool is_stepwise = spec.strides[0] % kStep == 0 && spec.strides[1] % kStep == 0 &&
                               spec.strides[2] % kStep == 0 && spec.strides[3] == 1;
      if (!is_stepwise || spec.alignment < kNeededAlignment) {
        return attn::refuse(ATTN_UNSUPPORTED_LAYOUT,
                            attn::text(attn::detail::role_name(spec.role),
                                       " needs rows without gaps that begin at multiples of ",
                                       kNeededAlignment, " B"));
      }
    }
    return attn::yes();
  }

  std::unique_ptr<Plan> make_plan(const attn::PlanRequest& request) {
    return std::make_unique<Plan>(blas_, kernels_, request);
  }

 private:
  BlasHandle blas_;
  Kernels kernels_;
};

}  // namespace
}  // namespace unfused_sdpa

ATTN_PROVIDERS(unfused_sdpa::Provider)
