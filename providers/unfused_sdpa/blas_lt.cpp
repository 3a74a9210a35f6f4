#include "blas_lt.h"

#include <attnbench/provider.hpp>

#include "gpu_common/libraries.h"

namespace unfused_sdpa {
namespace {

constexpr const char* kFile = "libcublasLt.so.13";

}  // namespace

BlasLt::BlasLt() {
  void* const library =
      gpu::open_library(kFile, "install cuBLAS of CUDA 13 (pip install nvidia-cublas)");
  gpu::find_function(library, kFile, "cublasLtGetVersion", get_version);
  gpu::find_function(library, kFile, "cublasLtGetStatusString", status_string);
  gpu::find_function(library, kFile, "cublasLtCreate", create);
  gpu::find_function(library, kFile, "cublasLtDestroy", destroy);
  gpu::find_function(library, kFile, "cublasLtMatmul", matmul);
  gpu::find_function(library, kFile, "cublasLtMatmulDescCreate", desc_create);
  gpu::find_function(library, kFile, "cublasLtMatmulDescDestroy", desc_destroy);
  gpu::find_function(library, kFile, "cublasLtMatmulDescSetAttribute", desc_set);
  gpu::find_function(library, kFile, "cublasLtMatrixLayoutCreate", layout_create);
  gpu::find_function(library, kFile, "cublasLtMatrixLayoutDestroy", layout_destroy);
  gpu::find_function(library, kFile, "cublasLtMatrixLayoutSetAttribute", layout_set);
  gpu::find_function(library, kFile, "cublasLtMatmulPreferenceCreate", preference_create);
  gpu::find_function(library, kFile, "cublasLtMatmulPreferenceDestroy", preference_destroy);
  gpu::find_function(library, kFile, "cublasLtMatmulPreferenceSetAttribute", preference_set);
  gpu::find_function(library, kFile, "cublasLtMatmulAlgoGetHeuristic", heuristic);
}

std::string BlasLt::version() const {
  const size_t version = get_version();
  return attn::text(version / 10000, ".", version / 100 % 100, ".", version % 100);
}

void BlasLt::check(cublasStatus_t status, const char* doing) const {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  const bool is_an_answer = status == CUBLAS_STATUS_NOT_SUPPORTED;
  throw attn::Failure(is_an_answer ? ATTN_UNSUPPORTED : ATTN_EXECUTION_FAILED,
                      attn::text("cuBLASLt, ", doing, ": ", status_string(status)),
                      ATTN_NATIVE_CUBLAS, static_cast<int32_t>(status));
}

BlasHandle::BlasHandle() {
  const cublasStatus_t status = lt_.create(&handle_);
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw attn::Failure(ATTN_INIT_FAILED,
                      attn::text("cuBLASLt, making a handle: ", lt_.status_string(status)),
                      ATTN_NATIVE_CUBLAS, static_cast<int32_t>(status));
}

BlasHandle::~BlasHandle() {
  lt_.destroy(handle_);
}

}  // namespace unfused_sdpa
