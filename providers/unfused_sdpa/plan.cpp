#include "plan.h"

#include <algorithm>

namespace unfused_sdpa {
namespace {

constexpr int64_t kPitch = 8;  // a row of 16-bit scores begins at a multiple of 16 bytes
constexpr uint64_t kPartAlignment = 256;
constexpr unsigned kMostSumBlocks = 4096;

// The GEMMs of each pass, as they are kept in a plan.
enum ForwardGemm { kScores, kOutput };
enum BackwardGemm {
  kScoresAgain,
  kProbabilityGradients,
  kValueGradients,
  kQueryGradients,
  kKeyGradients
};

unsigned sum_blocks(int64_t elements) {
  const int64_t blocks = (elements + kThreads - 1) / kThreads;
  return static_cast<unsigned>(std::min<int64_t>(blocks, kMostSumBlocks));
}

}  // namespace

Shape::Shape(const attn::PlanRequest& request) {
  const attn_problem& p = request.problem;
  heads = {p.batch, p.heads_q, p.heads_kv};
  rows = p.seqlen_q;
  keys = p.seqlen_kv;
  dim_qk = p.head_dim_qk;
  dim_v = p.head_dim_v;
  pitch = (keys + kPitch - 1) / kPitch * kPitch;
  scale = request.softmax_scale();
  is_causal = p.mask != ATTN_MASK_NONE;
  diagonal = p.mask == ATTN_MASK_CAUSAL_BOTTOM_RIGHT ? keys - rows : 0;
  dtype = request.spec(ATTN_ROLE_Q).dtype;
}

Element Shape::element() const {
  return attn::same_dtype(dtype, attn::kFp16) ? Element::fp16 : Element::bf16;
}

Operand Shape::tensor(const attn::TensorSpec& spec) const {
  const bool is_of_keys = spec.role == ATTN_ROLE_K || spec.role == ATTN_ROLE_V ||
                          spec.role == ATTN_ROLE_DK || spec.role == ATTN_ROLE_DV;
  return {.element = element(),
          .rows = spec.shape[1],
          .columns = spec.shape[3],
          .pitch = spec.strides[1],
          .heads = {spec.strides[0], spec.strides[2], is_of_keys}};
}

Operand Shape::scores(Element stored_as) const {
  return {.element = stored_as,
          .rows = rows,
          .columns = keys,
          .pitch = pitch,
          .heads = {heads.q * rows * pitch, rows * pitch}};
}

Operand Shape::key_gradients(int64_t dim) const {
  return {.element = Element::fp32,
          .rows = keys,
          .columns = dim,
          .pitch = dim,
          .heads = {heads.q * keys * dim, keys * dim}};
}

SoftmaxArguments Shape::softmax_arguments(const attn::PlanRequest& request) const {
  SoftmaxArguments a{};
  if (const attn::TensorSpec* bias = request.find(ATTN_ROLE_BIAS)) {
    std::copy_n(bias->strides.begin(), 4, a.bias_strides);
  }
  if (const attn::TensorSpec* lse = request.find(ATTN_ROLE_LSE)) {
    std::copy_n(lse->strides.begin(), 3, a.lse_strides);
  }
  a.pitch = pitch;
  a.heads = static_cast<int32_t>(heads.q);
  a.rows = static_cast<int32_t>(rows);
  a.keys = static_cast<int32_t>(keys);
  a.is_causal = is_causal;
  a.diagonal = diagonal;
  a.scale = static_cast<float>(scale);
  return a;
}

uint64_t WorkspaceParts::add(int64_t elements, Element element) {
  return add_bytes(static_cast<uint64_t>(elements * bytes_of(element)));
}

uint64_t WorkspaceParts::add_bytes(uint64_t bytes) {
  const uint64_t offset = total_bytes_;
  total_bytes_ += (bytes + kPartAlignment - 1) / kPartAlignment * kPartAlignment;
  return offset;
}

Plan::Plan(const BlasHandle& blas, const Kernels& kernels, const attn::PlanRequest& request)
    : blas_(blas),
      kernels_(kernels),
      is_backward_(request.is_backward()),
      shape_(request),
      softmax_(shape_.softmax_arguments(request)) {
  info_.flags = ATTN_PLAN_GRAPH_SAFE | ATTN_PLAN_DETERMINISTIC;
  is_backward_ ? prepare_backward(request) : prepare_forward(request);

  WorkspaceParts parts;
  const int64_t num_scores = shape_.num_rows() * shape_.pitch;
  products_ = parts.add(num_scores, Element::fp32);
  probabilities_ = parts.add(num_scores, shape_.element());
  if (is_backward_) {
    probability_gradients_ = parts.add(num_scores, Element::fp32);
    score_gradients_ = parts.add(num_scores, shape_.element());
    if (shape_.heads.group() > 1) {
      const int64_t dim = std::max(shape_.dim_qk, shape_.dim_v);
      key_gradients_ =
          parts.add(shape_.heads.batch * shape_.heads.q * shape_.keys * dim, Element::fp32);
    }
  }
  for (const Gemm& gemm : gemms_) scratch_bytes_ = std::max(scratch_bytes_, gemm.scratch_bytes());
  scratch_ = parts.add_bytes(scratch_bytes_);
  info_.workspace_bytes = parts.total_bytes();
}

void Plan::add_gemm(const char* name, const Operand& a, const Operand& b, const Operand& c,
                    double alpha) {
  gemms_.emplace_back(blas_, shape_.heads, a, b, c, alpha);
  info_.kernels.push_back({.name = name});
}

void Plan::add_kernel(const Kernel& kernel, unsigned blocks) {
  info_.kernels.push_back(kernels_.info(kernel, blocks));
}

// The scale is the softmax kernel's to apply: the products stay as jax.nn has them.
void Plan::prepare_forward(const attn::PlanRequest& request) {
  const auto tensor = [&](int32_t role) { return shape_.tensor(request.spec(role)); };
  add_gemm("cublasLt Q K^T", tensor(ATTN_ROLE_Q), transposed(tensor(ATTN_ROLE_K)),
           shape_.scores(Element::fp32), 1);
  softmax_kernel_ = kernels_.softmax(shape_.dtype);
  add_kernel(softmax_kernel_, static_cast<unsigned>(shape_.num_rows()));
  add_gemm("cublasLt P V", shape_.scores(shape_.element()), tensor(ATTN_ROLE_V),
           tensor(ATTN_ROLE_O), 1);
}

void Plan::prepare_backward(const attn::PlanRequest& request) {
  const auto tensor = [&](int32_t role) { return shape_.tensor(request.spec(role)); };
  const bool has_groups = shape_.heads.group() > 1;
  const Operand in_16_bits = shape_.scores(shape_.element());
  const auto gradient_of_keys = [&](int32_t role, int64_t dim) {
    return has_groups ? shape_.key_gradients(dim) : tensor(role);
  };
  const auto add_sum = [&](int64_t dim) {
    if (!has_groups) return;
    sum_kernel_ = kernels_.sum_groups(shape_.dtype);
    add_kernel(sum_kernel_, sum_blocks(shape_.heads.batch * shape_.heads.kv * shape_.keys * dim));
  };

  add_gemm("cublasLt Q K^T", tensor(ATTN_ROLE_Q), transposed(tensor(ATTN_ROLE_K)),
           shape_.scores(Element::fp32), 1);
  add_gemm("cublasLt dO V^T", tensor(ATTN_ROLE_DO), transposed(tensor(ATTN_ROLE_V)),
           shape_.scores(Element::fp32), 1);
  softmax_kernel_ = kernels_.softmax_backward(shape_.dtype);
  add_kernel(softmax_kernel_, static_cast<unsigned>(shape_.num_rows()));
  add_gemm("cublasLt P^T dO", transposed(in_16_bits), tensor(ATTN_ROLE_DO),
           gradient_of_keys(ATTN_ROLE_DV, shape_.dim_v), 1);
  add_sum(shape_.dim_v);
  add_gemm("cublasLt dS K", in_16_bits, tensor(ATTN_ROLE_K), tensor(ATTN_ROLE_DQ), shape_.scale);
  add_gemm("cublasLt dS^T Q", transposed(in_16_bits), tensor(ATTN_ROLE_Q),
           gradient_of_keys(ATTN_ROLE_DK, shape_.dim_qk), shape_.scale);
  add_sum(shape_.dim_qk);
}

SoftmaxArguments Plan::bound(const attn::Execution& pass, char* workspace) const {
  SoftmaxArguments a = softmax_;
  a.products = reinterpret_cast<const float*>(workspace + products_);
  a.probabilities = workspace + probabilities_;
  if (pass.has(ATTN_ROLE_BIAS)) a.bias = pass.tensor(ATTN_ROLE_BIAS).data();
  if (pass.has(ATTN_ROLE_LSE)) a.lse = static_cast<float*>(pass.tensor(ATTN_ROLE_LSE).data());
  if (is_backward_) {
    a.probability_gradients = reinterpret_cast<const float*>(workspace + probability_gradients_);
    a.score_gradients = workspace + score_gradients_;
  }
  return a;
}

void Plan::execute(const attn::Execution& pass) const {
  char* const workspace = static_cast<char*>(pass.workspace);
  is_backward_ ? backward(pass, workspace) : forward(pass, workspace);
}

void Plan::forward(const attn::Execution& pass, char* workspace) const {
  const auto data = [&](int32_t role) { return pass.tensor(role).data(); };
  gemms_[kScores].run(data(ATTN_ROLE_Q), data(ATTN_ROLE_K), workspace + products_,
                      scratch(workspace), pass.stream);
  kernels_.launch(softmax_kernel_, static_cast<unsigned>(shape_.num_rows()), bound(pass, workspace),
                  pass.stream);
  gemms_[kOutput].run(workspace + probabilities_, data(ATTN_ROLE_V), data(ATTN_ROLE_O),
                      scratch(workspace), pass.stream);
}

void Plan::backward(const attn::Execution& pass, char* workspace) const {
  const auto data = [&](int32_t role) { return pass.tensor(role).data(); };
  const auto run = [&](BackwardGemm gemm, const void* a, const void* b, void* c) {
    gemms_[gemm].run(a, b, c, scratch(workspace), pass.stream);
  };
  const bool has_groups = shape_.heads.group() > 1;
  char* const d_scores = workspace + score_gradients_;
  char* const parts = workspace + key_gradients_;

  run(kScoresAgain, data(ATTN_ROLE_Q), data(ATTN_ROLE_K), workspace + products_);
  run(kProbabilityGradients, data(ATTN_ROLE_DO), data(ATTN_ROLE_V),
      workspace + probability_gradients_);
  kernels_.launch(softmax_kernel_, static_cast<unsigned>(shape_.num_rows()), bound(pass, workspace),
                  pass.stream);
  run(kValueGradients, workspace + probabilities_, data(ATTN_ROLE_DO),
      has_groups ? parts : data(ATTN_ROLE_DV));
  if (has_groups) sum_into(ATTN_ROLE_DV, pass, workspace);
  run(kQueryGradients, d_scores, data(ATTN_ROLE_K), data(ATTN_ROLE_DQ));
  run(kKeyGradients, d_scores, data(ATTN_ROLE_Q), has_groups ? parts : data(ATTN_ROLE_DK));
  if (has_groups) sum_into(ATTN_ROLE_DK, pass, workspace);
}

void Plan::sum_into(int32_t role, const attn::Execution& pass, char* workspace) const {
  const attn::Tensor tensor = pass.tensor(role);
  SumArguments a{};
  a.parts = reinterpret_cast<const float*>(workspace + key_gradients_);
  a.sum = tensor.data();
  for (int axis = 0; axis < 3; ++axis) a.sum_strides[axis] = tensor.stride(axis);
  a.heads_kv = static_cast<int32_t>(shape_.heads.kv);
  a.group = static_cast<int32_t>(shape_.heads.group());
  a.keys = static_cast<int32_t>(shape_.keys);
  a.head_dim = static_cast<int32_t>(tensor.shape(3));
  a.elements = shape_.heads.batch * shape_.heads.kv * shape_.keys * tensor.shape(3);
  kernels_.launch(sum_kernel_, sum_blocks(a.elements), a, pass.stream);
}

}  // namespace unfused_sdpa
