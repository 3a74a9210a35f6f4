// C = alpha op(A) op(B) for the matrices of all heads, with fp32 sums, by cuBLASLt.
//
// The lesson: cuBLAS counts columns first, we count rows first. A matrix of ours is the transpose
// of what cuBLAS sees in the same memory; so it is asked for C^T = op(B)^T op(A)^T, which swaps the
// operands and transposes nothing.
#pragma once

#include <cstdint>
#include <memory>

#include "walk.h"

namespace unfused_sdpa {

class BlasHandle;

enum class Element { fp16, bf16, fp32 };
int64_t bytes_of(Element element);

// The matrices of a tensor, one for each head: rows lie `pitch` elements apart.
struct Operand {
  Element element = Element::fp16;
  int64_t rows = 0, columns = 0, pitch = 0;
  HeadStrides heads;
  bool is_transposed = false;  // op
};
Operand transposed(Operand operand);

struct GemmScratch {
  void* memory = nullptr;
  uint64_t bytes = 0;
};

class Gemm {
 public:
  // Throws attn::Failure with cuBLASLt's words.
  Gemm(const BlasHandle& blas, const Heads& heads, const Operand& a, const Operand& b,
       const Operand& c, double alpha);
  Gemm(Gemm&&) noexcept;
  ~Gemm();

  uint64_t scratch_bytes() const;
  // Enqueues. Addresses are those of the first head of the first batch.
  void run(const void* a, const void* b, void* c, const GemmScratch& scratch, void* stream) const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace unfused_sdpa
