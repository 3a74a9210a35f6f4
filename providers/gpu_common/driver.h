// The CUDA driver API, as much of it as our GPU providers call, found in libcuda.so.1 at run time.
#pragma once

#include <cuda.h>

#include <cstdint>

namespace gpu {

// A GPU that these providers serve: sm_80 or newer. Throws attn::Failure if it is older.
void require_ampere(int32_t cc_major, int32_t cc_minor);

struct Driver {
  Driver();  // throws attn::Failure on a machine without a driver

  // Throws attn::Failure with the error's name, its text and what was being done: "loading
  // kernels".
  void check(CUresult result, const char* doing) const;

  decltype(&::cuGetErrorName) get_error_name;
  decltype(&::cuGetErrorString) get_error_string;
  decltype(&::cuMemAlloc) mem_alloc;
  decltype(&::cuMemFree) mem_free;
  decltype(&::cuMemGetInfo) mem_info;
  decltype(&::cuMemsetD16Async) memset_16bit;
  decltype(&::cuStreamCreate) stream_create;
  decltype(&::cuStreamDestroy) stream_destroy;
  decltype(&::cuStreamSynchronize) stream_synchronize;
  decltype(&::cuEventCreate) event_create;
  decltype(&::cuEventDestroy) event_destroy;
  decltype(&::cuEventRecord) event_record;
  decltype(&::cuEventElapsedTime) event_elapsed_ms;
  decltype(&::cuModuleLoadData) module_load;
  decltype(&::cuModuleUnload) module_unload;
  decltype(&::cuModuleGetFunction) module_function;
  decltype(&::cuFuncGetAttribute) function_attribute;
  decltype(&::cuFuncSetAttribute) set_function_attribute;
  decltype(&::cuLaunchKernel) launch;
  decltype(&::cuLaunchKernelEx) launch_with;
  decltype(&::cuCtxGetDevice) current_device;
  decltype(&::cuDeviceGetAttribute) device_attribute;
  decltype(&::cuTensorMapEncodeTiled) encode_tensor_map;
};

}  // namespace gpu
