// A pass of unfused attention, ready to run: its GEMMs, its softmax, and where its matrices of
// seqlen_q x seqlen_kv lie in the workspace. They are the reason why it runs out of memory where
// fused attention does not.
#pragma once

#include <attnbench/provider.hpp>

#include <vector>

#include "blas_lt.h"
#include "gemm.h"
#include "kernels.h"

namespace unfused_sdpa {

// Both passes have this much in common.
struct Shape {
  explicit Shape(const attn::PlanRequest& request);

  Heads heads;
  int64_t rows = 0, keys = 0, dim_qk = 0, dim_v = 0;
  int64_t pitch = 0;  // of a row of scores: `keys`, rounded up to whole vectors
  double scale = 0;
  bool is_causal = false;
  int64_t diagonal = 0;
  attn_dtype dtype{};

  int64_t num_rows() const { return heads.batch * heads.q * rows; }
  Element element() const;
  Operand tensor(const attn::TensorSpec& spec) const;
  Operand scores(Element element) const;     // rows x keys for each head of Q
  Operand key_gradients(int64_t dim) const;  // keys x dim for each head of Q, in fp32
  SoftmaxArguments softmax_arguments(const attn::PlanRequest& request) const;
};

// Parts of the workspace, one behind the other.
class WorkspaceParts {
 public:
  // Returns the part's offset.
  uint64_t add(int64_t elements, Element element);
  uint64_t add_bytes(uint64_t bytes);
  uint64_t total_bytes() const { return total_bytes_; }

 private:
  uint64_t total_bytes_ = 0;
};

class Plan {
 public:
  Plan(const BlasHandle& blas, const Kernels& kernels, const attn::PlanRequest& request);

  attn::PlanInfo info() const { return info_; }
  void execute(const attn::Execution& pass) const;

 private:
  void prepare_forward(const attn::PlanRequest& request);
  void prepare_backward(const attn::PlanRequest& request);
  void forward(const attn::Execution& pass, char* workspace) const;
  void backward(const attn::Execution& pass, char* workspace) const;

  void add_gemm(const char* name, const Operand& a, const Operand& b, const Operand& c,
                double alpha);
  void add_kernel(const Kernel& kernel, unsigned blocks);
  void sum_into(int32_t role, const attn::Execution& pass, char* workspace) const;
  SoftmaxArguments bound(const attn::Execution& pass, char* workspace) const;
  GemmScratch scratch(char* workspace) const { return {workspace + scratch_, scratch_bytes_}; }

  const BlasHandle& blas_;
  const Kernels& kernels_;
  const bool is_backward_;
  const Shape shape_;
  const SoftmaxArguments softmax_;
  std::vector<Gemm> gemms_;  // in the order of execution
  Kernel softmax_kernel_, sum_kernel_;
  attn::PlanInfo info_;

  // Offsets into the workspace.
  uint64_t products_ = 0, probabilities_ = 0, probability_gradients_ = 0, score_gradients_ = 0,
           key_gradients_ = 0, scratch_ = 0, scratch_bytes_ = 0;
};

}  // namespace unfused_sdpa
