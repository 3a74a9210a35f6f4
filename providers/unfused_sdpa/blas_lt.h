// cuBLASLt, as much of it as is called here, found at run time.
#pragma once

#include <cublasLt.h>

#include <string>

namespace unfused_sdpa {

// Opens the library for the rest of the process. Throws attn::Failure. Makes no context.
struct BlasLt {
  BlasLt();

  std::string version() const;
  void check(cublasStatus_t status, const char* doing) const;  // throws attn::Failure

  decltype(&::cublasLtGetVersion) get_version;
  decltype(&::cublasLtGetStatusString) status_string;
  decltype(&::cublasLtCreate) create;
  decltype(&::cublasLtDestroy) destroy;
  decltype(&::cublasLtMatmul) matmul;
  decltype(&::cublasLtMatmulDescCreate) desc_create;
  decltype(&::cublasLtMatmulDescDestroy) desc_destroy;
  decltype(&::cublasLtMatmulDescSetAttribute) desc_set;
  decltype(&::cublasLtMatrixLayoutCreate) layout_create;
  decltype(&::cublasLtMatrixLayoutDestroy) layout_destroy;
  decltype(&::cublasLtMatrixLayoutSetAttribute) layout_set;
  decltype(&::cublasLtMatmulPreferenceCreate) preference_create;
  decltype(&::cublasLtMatmulPreferenceDestroy) preference_destroy;
  decltype(&::cublasLtMatmulPreferenceSetAttribute) preference_set;
  decltype(&::cublasLtMatmulAlgoGetHeuristic) heuristic;
};

// A handle of cuBLASLt; needs a context.
class BlasHandle {
 public:
  BlasHandle();  // throws attn::Failure
  ~BlasHandle();
  // A handle belongs to one owner.
  BlasHandle(const BlasHandle&) = delete;
  BlasHandle& operator=(const BlasHandle&) = delete;

  const BlasLt& lt() const { return lt_; }
  cublasLtHandle_t get() const { return handle_; }

 private:
  BlasLt lt_;
  cublasLtHandle_t handle_ = nullptr;
};

}  // namespace unfused_sdpa
