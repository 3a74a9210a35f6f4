#include "gpu_common/driver.h"

#include <attnbench/provider.hpp>

#include "gpu_common/libraries.h"

namespace gpu {
namespace {

constexpr const char* kFile = "libcuda.so.1";

// After these the context is lost: every later call in this process fails.
bool is_sticky(CUresult result) {
  switch (result) {
    case CUDA_ERROR_ILLEGAL_ADDRESS:
    case CUDA_ERROR_LAUNCH_TIMEOUT:
    case CUDA_ERROR_HARDWARE_STACK_ERROR:
    case CUDA_ERROR_ILLEGAL_INSTRUCTION:
    case CUDA_ERROR_MISALIGNED_ADDRESS:
    case CUDA_ERROR_INVALID_ADDRESS_SPACE:
    case CUDA_ERROR_INVALID_PC:
    case CUDA_ERROR_LAUNCH_FAILED:
    case CUDA_ERROR_ECC_UNCORRECTABLE:
      return true;
    default:
      return false;
  }
}

attn_status status_of(CUresult result) {
  if (result == CUDA_ERROR_OUT_OF_MEMORY) return ATTN_OUT_OF_DEVICE_MEMORY;
  if (result == CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES) return ATTN_RESOURCE_EXHAUSTED;
  if (is_sticky(result)) return ATTN_EXECUTION_POISONED;
  return ATTN_EXECUTION_FAILED;
}

}  // namespace

void require_ampere(int32_t cc_major, int32_t cc_minor) {
  if (cc_major >= 8) return;
  throw attn::Failure(ATTN_UNSUPPORTED_DEVICE, attn::text("this GPU has compute capability ",
                                                          cc_major, ".", cc_minor, ", needs 8.0"));
}

Driver::Driver() {
  void* const library = open_library(kFile, "install NVIDIA driver 580 or newer");
  find_function(library, kFile, "cuGetErrorName", get_error_name);
  find_function(library, kFile, "cuGetErrorString", get_error_string);
  find_function(library, kFile, "cuMemAlloc_v2", mem_alloc);
  find_function(library, kFile, "cuMemFree_v2", mem_free);
  find_function(library, kFile, "cuMemGetInfo_v2", mem_info);
  find_function(library, kFile, "cuMemsetD16Async", memset_16bit);
  find_function(library, kFile, "cuStreamCreate", stream_create);
  find_function(library, kFile, "cuStreamDestroy_v2", stream_destroy);
  find_function(library, kFile, "cuStreamSynchronize", stream_synchronize);
  find_function(library, kFile, "cuEventCreate", event_create);
  find_function(library, kFile, "cuEventDestroy_v2", event_destroy);
  find_function(library, kFile, "cuEventRecord", event_record);
  find_function(library, kFile, "cuEventElapsedTime", event_elapsed_ms);
  find_function(library, kFile, "cuModuleLoadData", module_load);
  find_function(library, kFile, "cuModuleUnload", module_unload);
  find_function(library, kFile, "cuModuleGetFunction", module_function);
  find_function(library, kFile, "cuFuncGetAttribute", function_attribute);
  find_function(library, kFile, "cuFuncSetAttribute", set_function_attribute);
  find_function(library, kFile, "cuLaunchKernel", launch);
  find_function(library, kFile, "cuLaunchKernelEx", launch_with);
  find_function(library, kFile, "cuCtxGetDevice", current_device);
  find_function(library, kFile, "cuDeviceGetAttribute", device_attribute);
  find_function(library, kFile, "cuTensorMapEncodeTiled", encode_tensor_map);
}

void Driver::check(CUresult result, const char* doing) const {
  if (result == CUDA_SUCCESS) return;
  const char* name = nullptr;
  const char* words = nullptr;
  if (get_error_name(result, &name) != CUDA_SUCCESS || !name) name = "CUDA error";
  if (get_error_string(result, &words) != CUDA_SUCCESS || !words) words = "no explanation";
  throw attn::Failure(status_of(result), attn::text(doing, ": ", name, ": ", words),
                      ATTN_NATIVE_CUDA_DRIVER, static_cast<int32_t>(result));
}

}  // namespace gpu
