// cpu_flash: tiled attention for CPUs. This file is the provider as attnbench sees it: what it can
// do, how a problem becomes a plan, and how a pass is handed to the threads.
#include <attnbench/provider.hpp>

#include <algorithm>
#include <memory>
#include <string>

#include "blocks.h"
#include "kernels.h"
#include "layout.h"
#include "pool.h"

namespace cpu_flash {
namespace {

constexpr int64_t kMaxHeadDim = 256;
constexpr int64_t kMaxThreads = 1024;

Dtype dtype_of(attn_dtype dtype) {
  if (attn::same_dtype(dtype, attn::kFp16)) return Dtype::fp16;
  return attn::same_dtype(dtype, attn::kBf16) ? Dtype::bf16 : Dtype::fp32;
}

Shape shape_of(const attn::PlanRequest& request) {
  const attn_problem& p = request.problem;
  Shape shape;
  shape.batch = p.batch;
  shape.heads_q = p.heads_q;
  shape.heads_kv = p.heads_kv;
  shape.rows = p.seqlen_q;
  shape.keys = p.seqlen_kv;
  shape.dim_qk = p.head_dim_qk;
  shape.dim_v = p.head_dim_v;
  shape.is_causal = p.mask != ATTN_MASK_NONE;
  shape.diagonal = p.mask == ATTN_MASK_CAUSAL_BOTTOM_RIGHT ? p.seqlen_kv - p.seqlen_q : 0;
  shape.scale = request.softmax_scale();
  shape.dtype = dtype_of(request.spec(ATTN_ROLE_Q).dtype);
  return shape;
}

// A thread is worth waking for some 40 us of work: that is what a small problem loses by sharing
// it.
int64_t threads_worth_waking(const Shape& shape, bool is_backward) {
  constexpr double kFlopsPerSecond = 100e9, kBytesPerSecond = 10e9, kSecondsEach = 40e-6;
  const double pairs = static_cast<double>(shape.batch * shape.heads_q) *
                       static_cast<double>(shape.rows) * static_cast<double>(shape.keys) *
                       (shape.is_causal ? 0.5 : 1.0);
  const double dims = static_cast<double>(shape.dim_qk + shape.dim_v);
  const double flops = (is_backward ? 5.0 : 2.0) * dims * pairs;
  const double bytes = 4.0 * dims * static_cast<double>(shape.batch * shape.heads_kv * shape.keys);
  const double seconds = std::max(flops / kFlopsPerSecond, bytes / kBytesPerSecond);
  return static_cast<int64_t>(std::max(1.0, seconds / kSecondsEach));
}

Tensor tensor_of(const attn::Execution& pass, int32_t role) {
  const attn::Tensor t = pass.tensor(role);
  return {static_cast<char*>(t.data()), t.stride(0), t.stride(1), t.stride(2)};
}
Bias bias_of(const attn::Execution& pass) {
  if (!pass.has(ATTN_ROLE_BIAS)) return {};
  const attn::Tensor t = pass.tensor(ATTN_ROLE_BIAS);
  return {static_cast<char*>(t.data()), t.stride(0), t.stride(1), t.stride(2), t.stride(3)};
}
Lse lse_of(const attn::Execution& pass) {
  if (!pass.has(ATTN_ROLE_LSE)) return {};
  const attn::Tensor t = pass.tensor(ATTN_ROLE_LSE);
  return {static_cast<char*>(t.data()), t.stride(0), t.stride(1), t.stride(2)};
}

class Plan {
 public:
  Plan(const Kernels& kernels, Pool& pool, bool is_backward, const Shape& shape,
       const Blocks& blocks, attn::Options options)
      : kernels_(kernels),
        pool_(pool),
        is_backward_(is_backward),
        shape_(shape),
        blocks_(blocks),
        options_(std::move(options)) {
    options_.set("block_q", blocks.block_q);
    options_.set("block_k", blocks.block_k);
    options_.set("threads", blocks.num_threads);
  }

  attn::PlanInfo info() const {
    const int64_t floats = is_backward_ ? BackwardLayout(shape_, blocks_).total_floats
                                        : ForwardLayout(shape_, blocks_).total_floats;
    attn::PlanInfo info;
    info.workspace_bytes = static_cast<uint64_t>(floats) * sizeof(float);
    info.flags = ATTN_PLAN_DETERMINISTIC;
    info.options = options_;
    return info;
  }

  void execute(const attn::Execution& pass) { is_backward_ ? backward(pass) : forward(pass); }

 private:
  template <class Job>
  void run(void (*step)(const Job&, Counter&, int64_t), const Job& job) {
    Counter items;
    pool_.run(blocks_.num_threads, [&](int64_t thread) { step(job, items, thread); });
  }

  void forward(const attn::Execution& pass) {
    Forward job;
    job.shape = shape_;
    job.blocks = blocks_;
    job.q = tensor_of(pass, ATTN_ROLE_Q);
    job.k = tensor_of(pass, ATTN_ROLE_K);
    job.v = tensor_of(pass, ATTN_ROLE_V);
    job.o = tensor_of(pass, ATTN_ROLE_O);
    job.bias = bias_of(pass);
    job.lse = lse_of(pass);
    job.workspace = static_cast<char*>(pass.workspace);
    run(kernels_.forward, job);
    if (blocks_.num_splits > 1) run(kernels_.combine, job);
  }

  void backward(const attn::Execution& pass) {
    Backward job;
    job.shape = shape_;
    job.blocks = blocks_;
    job.q = tensor_of(pass, ATTN_ROLE_Q);
    job.k = tensor_of(pass, ATTN_ROLE_K);
    job.v = tensor_of(pass, ATTN_ROLE_V);
    job.o = tensor_of(pass, ATTN_ROLE_O);
    job.d_o = tensor_of(pass, ATTN_ROLE_DO);
    job.dq = tensor_of(pass, ATTN_ROLE_DQ);
    job.dk = tensor_of(pass, ATTN_ROLE_DK);
    job.dv = tensor_of(pass, ATTN_ROLE_DV);
    job.bias = bias_of(pass);
    job.lse = lse_of(pass);
    job.workspace = static_cast<char*>(pass.workspace);
    turns_of(job, BackwardLayout(shape_, blocks_)).reset();
    run(kernels_.prepare_backward, job);
    run(kernels_.backward, job);
  }

  const Kernels kernels_;
  Pool& pool_;
  const bool is_backward_;
  const Shape shape_;
  const Blocks blocks_;
  attn::Options options_;
};

class Provider {
 public:
  static attn::Descriptor descriptor() {
    attn::Descriptor d{};
    d.id = "cpu_flash";
    d.name = "Tiled CPU attention";
    d.vendor = "attnbench";
    d.version = "1.0.0";
    d.license = "Apache-2.0";
    d.description = "online softmax in SIMD tiles, on all allowed cores";
    d.features = ATTN_FEATURE_CAUSAL | ATTN_FEATURE_BIAS | ATTN_FEATURE_GQA | ATTN_FEATURE_LSE |
                 ATTN_FEATURE_BWD | ATTN_FEATURE_DETERMINISTIC;
    d.device_types = {ATTN_DEVICE_CPU};
    d.dtypes = {attn::kFp16, attn::kBf16, attn::kFp32};
    d.options = {
        attn::int_choice("block_q", "query rows a thread keeps at hand; 0 chooses", 0,
                         {0, 64, 128, 192, 256, 384, 512}, kTuning),
        attn::int_choice("block_k", "keys taken at a time; 0 chooses", 0,
                         {0, 64, 96, 128, 192, 256, 384, 512, 768}, kTuning),
        attn::int_range("threads", "threads; 0 takes all allowed CPUs that are worth waking", 0, 0,
                        kMaxThreads),
    };
    return d;
  }

  static int32_t probe(const attn::Device&) { return 90; }

  explicit Provider(const attn::CreateRequest& request)
      : kernels_(best_kernels()), pool_(allowed_cpus()), default_threads_(pool_.size()) {
    const std::optional<std::string> configured = request.host.config("threads");
    if (!configured) return;
    const int64_t wanted = std::atoll(configured->c_str());
    if (wanted > 0) default_threads_ = std::min(wanted, pool_.size());
  }

  attn::Answer supports(const attn::PlanRequest& request) {
    const attn_problem& p = request.problem;
    for (int64_t dim : {p.head_dim_qk, p.head_dim_v}) {
      if (dim % 8 != 0 || dim > kMaxHeadDim) {
        return attn::refuse(
            ATTN_UNSUPPORTED_SHAPE,
            attn::text("head_dim is ", dim, ", not a multiple of 8 up to ", kMaxHeadDim));
      }
    }
    for (const attn::TensorSpec& spec : request.specs) {
      const bool is_free = spec.role == ATTN_ROLE_BIAS || spec.role == ATTN_ROLE_LSE;
      if (!is_free && spec.strides[3] != 1) {
        return attn::refuse(ATTN_UNSUPPORTED_LAYOUT,
                            attn::text("the last axis of a tensor has stride ", spec.strides[3],
                                       ", only 1 is supported"));
      }
    }
    const int64_t threads = request.options.get_int("threads");
    if (threads > pool_.size()) {
      return attn::refuse(ATTN_UNSUPPORTED_OPTIONS, attn::text("threads is ", threads, ", but ",
                                                               pool_.size(), " CPUs are allowed"));
    }
    return attn::yes();
  }

  std::unique_ptr<Plan> make_plan(const attn::PlanRequest& request) {
    const Shape shape = shape_of(request);
    const int64_t threads = request.options.get_int("threads");
    const int64_t useful_threads =
        std::min(default_threads_, threads_worth_waking(shape, request.is_backward()));
    const Wishes wishes{request.options.get_int("block_q"), request.options.get_int("block_k"),
                        threads > 0 ? threads : useful_threads};
    const Blocks blocks = request.is_backward()
                              ? choose_backward_blocks(shape, kernels_.panel_rows, wishes)
                              : choose_forward_blocks(shape, kernels_.panel_rows, wishes);
    return std::make_unique<Plan>(kernels_, pool_, request.is_backward(), shape, blocks,
                                  request.options);
  }

 private:
  static constexpr uint32_t kTuning = ATTN_OPTION_AFFECTS_NUMERICS | ATTN_OPTION_SWEEPABLE;

  const Kernels kernels_;
  Pool pool_;
  int64_t default_threads_;
};

}  // namespace
}  // namespace cpu_flash

ATTN_PROVIDERS(cpu_flash::Provider)
