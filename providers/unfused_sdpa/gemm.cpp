#include "gemm.h"

#include "blas_lt.h"

namespace unfused_sdpa {
namespace {

constexpr uint64_t kMostScratchBytes = 32 << 20;  // what cuBLAS itself takes on Hopper
constexpr uint32_t kAlignment = 16;               // of a head's matrix, at least

cudaDataType_t data_type_of(Element element) {
  if (element == Element::fp32) return CUDA_R_32F;
  return element == Element::fp16 ? CUDA_R_16F : CUDA_R_16BF;
}

cublasOperation_t operation_of(const Operand& operand) {
  return operand.is_transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
}

class Layout {
 public:
  Layout(const BlasLt& lt, const Operand& operand, int64_t count, int64_t step) : lt_(lt) {
    lt_.check(lt_.layout_create(&layout_, data_type_of(operand.element),
                                static_cast<uint64_t>(operand.columns),
                                static_cast<uint64_t>(operand.rows), operand.pitch),
              "describing a matrix");
    const int32_t matrices = static_cast<int32_t>(count);
    set(CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, matrices);
    set(CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, step);
  }
  ~Layout() { lt_.layout_destroy(layout_); }
  // Owns a description.
  Layout(const Layout&) = delete;
  Layout& operator=(const Layout&) = delete;

  cublasLtMatrixLayout_t get() const { return layout_; }

 private:
  template <typename Value>
  void set(cublasLtMatrixLayoutAttribute_t attribute, Value value) {
    lt_.check(lt_.layout_set(layout_, attribute, &value, sizeof value), "describing a batch");
  }
  const BlasLt& lt_;
  cublasLtMatrixLayout_t layout_ = nullptr;
};

class Operation {
 public:
  Operation(const BlasLt& lt, cublasOperation_t first, cublasOperation_t second) : lt_(lt) {
    lt_.check(lt_.desc_create(&desc_, CUBLAS_COMPUTE_32F, CUDA_R_32F), "describing a product");
    set(CUBLASLT_MATMUL_DESC_TRANSA, first);
    set(CUBLASLT_MATMUL_DESC_TRANSB, second);
  }
  ~Operation() { lt_.desc_destroy(desc_); }
  // Owns a description.
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  cublasLtMatmulDesc_t get() const { return desc_; }

 private:
  void set(cublasLtMatmulDescAttributes_t attribute, cublasOperation_t value) {
    lt_.check(lt_.desc_set(desc_, attribute, &value, sizeof value), "describing a product");
  }
  const BlasLt& lt_;
  cublasLtMatmulDesc_t desc_ = nullptr;
};

class Preference {
 public:
  explicit Preference(const BlasLt& lt) : lt_(lt) {
    lt_.check(lt_.preference_create(&preference_), "stating a preference");
    set(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, kMostScratchBytes);
    for (const cublasLtMatmulPreferenceAttributes_t alignment :
         {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
          CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES}) {
      set(alignment, kAlignment);
    }
  }
  ~Preference() { lt_.preference_destroy(preference_); }
  // Owns a description.
  Preference(const Preference&) = delete;
  Preference& operator=(const Preference&) = delete;

  cublasLtMatmulPreference_t get() const { return preference_; }

 private:
  template <typename Value>
  void set(cublasLtMatmulPreferenceAttributes_t attribute, Value value) {
    lt_.check(lt_.preference_set(preference_, attribute, &value, sizeof value),
              "stating a preference");
  }
  const BlasLt& lt_;
  cublasLtMatmulPreference_t preference_ = nullptr;
};

// Bytes that an operand moves by when a loop goes on.
struct ByteSteps {
  int64_t batch, outer;
};
ByteSteps byte_steps(const Heads& heads, const Operand& operand) {
  const Steps steps = steps_of(heads, operand.heads);
  const int64_t size = bytes_of(operand.element);
  return {steps.batch * size, steps.outer * size};
}

}  // namespace

int64_t bytes_of(Element element) {
  return element == Element::fp32 ? 4 : 2;
}

Operand transposed(Operand operand) {
  operand.is_transposed = !operand.is_transposed;
  return operand;
}

struct Gemm::Parts {
  Parts(const BlasHandle& handle, const Heads& heads, const Operand& a_operand,
        const Operand& b_operand, const Operand& c_operand, double factor)
      : blas(handle),
        walk(walk_of(heads, {a_operand.heads, b_operand.heads, c_operand.heads})),
        operation(blas.lt(), operation_of(b_operand), operation_of(a_operand)),
        a(blas.lt(), a_operand, walk.inner, steps_of(heads, a_operand.heads).inner),
        b(blas.lt(), b_operand, walk.inner, steps_of(heads, b_operand.heads).inner),
        c(blas.lt(), c_operand, walk.inner, steps_of(heads, c_operand.heads).inner),
        a_steps(byte_steps(heads, a_operand)),
        b_steps(byte_steps(heads, b_operand)),
        c_steps(byte_steps(heads, c_operand)),
        alpha(static_cast<float>(factor)) {}

  const BlasHandle& blas;
  const Walk walk;
  const Operation operation;
  const Layout a, b, c;
  const ByteSteps a_steps, b_steps, c_steps;
  const float alpha;
  cublasLtMatmulHeuristicResult_t choice{};
};

Gemm::Gemm(const BlasHandle& blas, const Heads& heads, const Operand& a, const Operand& b,
           const Operand& c, double alpha)
    : parts_(std::make_unique<Parts>(blas, heads, a, b, c, alpha)) {
  const Preference preference(blas.lt());
  int found = 0;
  blas.lt().check(blas.lt().heuristic(blas.get(), parts_->operation.get(), parts_->b.get(),
                                      parts_->a.get(), parts_->c.get(), parts_->c.get(),
                                      preference.get(), 1, &parts_->choice, &found),
                  "choosing a kernel");
  if (found == 0) blas.lt().check(CUBLAS_STATUS_NOT_SUPPORTED, "choosing a kernel");
}
Gemm::Gemm(Gemm&&) noexcept = default;
Gemm::~Gemm() = default;

uint64_t Gemm::scratch_bytes() const {
  return parts_->choice.workspaceSize;
}

void Gemm::run(const void* a, const void* b, void* c, const GemmScratch& scratch,
               void* stream) const {
  const Parts& p = *parts_;
  const float beta = 0;
  for (int64_t batch = 0; batch < p.walk.batches; ++batch) {
    for (int64_t outer = 0; outer < p.walk.outer; ++outer) {
      const auto moved = [&](const void* base, const ByteSteps& steps) {
        return static_cast<const char*>(base) + batch * steps.batch + outer * steps.outer;
      };
      void* const product = const_cast<char*>(moved(c, p.c_steps));
      p.blas.lt().check(
          p.blas.lt().matmul(p.blas.get(), p.operation.get(), &p.alpha, moved(b, p.b_steps),
                             p.b.get(), moved(a, p.a_steps), p.a.get(), &beta, product, p.c.get(),
                             product, p.c.get(), &p.choice.algo, scratch.memory, scratch.bytes,
                             static_cast<cudaStream_t>(stream)),
          "enqueuing a product");
    }
  }
}

}  // namespace unfused_sdpa
