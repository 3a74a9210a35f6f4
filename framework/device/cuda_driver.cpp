#include "device/cuda_driver.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include "base/error.h"
#include "device/device.h"

namespace attnbench {
namespace {

constexpr const char* kNewDriver = "install NVIDIA driver 580 or newer (CUDA 13)";

template <typename Function>
void find(void* library, const char* name, Function*& function) {
  function = reinterpret_cast<Function*>(dlsym(library, name));
  if (function == nullptr) {
    throw Error(fmt::format("the NVIDIA driver here has no {}", name), kNewDriver);
  }
}

}  // namespace

CudaDriver::CudaDriver() {
  // Never unloaded: it may have threads of its own by then, and a provider may hold on to it.
  void* const library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == nullptr) {
    const char* reason = dlerror();
    throw Error(fmt::format("no NVIDIA driver on this machine: {}",
                            reason == nullptr ? "libcuda.so.1 not found" : reason),
                kNewDriver);
  }
  find(library, "cuInit", cuInit);
  find(library, "cuDriverGetVersion", cuDriverGetVersion);
  find(library, "cuGetErrorName", cuGetErrorName);
  find(library, "cuGetErrorString", cuGetErrorString);
  find(library, "cuDeviceGetCount", cuDeviceGetCount);
  find(library, "cuDeviceGet", cuDeviceGet);
  find(library, "cuDeviceGetName", cuDeviceGetName);
  find(library, "cuDeviceGetUuid_v2", cuDeviceGetUuid);
  find(library, "cuDeviceTotalMem_v2", cuDeviceTotalMem);
  find(library, "cuDeviceGetAttribute", cuDeviceGetAttribute);
  find(library, "cuDevicePrimaryCtxRetain", cuDevicePrimaryCtxRetain);
  find(library, "cuDevicePrimaryCtxRelease_v2", cuDevicePrimaryCtxRelease);
  find(library, "cuDevicePrimaryCtxGetState", cuDevicePrimaryCtxGetState);
  find(library, "cuCtxGetCurrent", cuCtxGetCurrent);
  find(library, "cuCtxSetCurrent", cuCtxSetCurrent);
  find(library, "cuCtxSynchronize", cuCtxSynchronize);
  find(library, "cuCtxSetLimit", cuCtxSetLimit);
  find(library, "cuCtxResetPersistingL2Cache", cuCtxResetPersistingL2Cache);
  find(library, "cuMemGetInfo_v2", cuMemGetInfo);
  find(library, "cuMemAlloc_v2", cuMemAlloc);
  find(library, "cuMemFree_v2", cuMemFree);
  find(library, "cuMemHostAlloc", cuMemHostAlloc);
  find(library, "cuMemFreeHost", cuMemFreeHost);
  find(library, "cuMemcpyHtoDAsync_v2", cuMemcpyHtoDAsync);
  find(library, "cuMemsetD8Async", cuMemsetD8Async);
  find(library, "cuStreamCreate", cuStreamCreate);
  find(library, "cuStreamDestroy_v2", cuStreamDestroy);
  find(library, "cuStreamSynchronize", cuStreamSynchronize);
  find(library, "cuStreamQuery", cuStreamQuery);
  find(library, "cuStreamBeginCapture_v2", cuStreamBeginCapture);
  find(library, "cuStreamEndCapture", cuStreamEndCapture);
  find(library, "cuGraphInstantiateWithFlags", cuGraphInstantiateWithFlags);
  find(library, "cuGraphLaunch", cuGraphLaunch);
  find(library, "cuGraphExecDestroy", cuGraphExecDestroy);
  find(library, "cuGraphDestroy", cuGraphDestroy);
  find(library, "cuEventCreate", cuEventCreate);
  find(library, "cuEventDestroy_v2", cuEventDestroy);
  find(library, "cuEventRecord", cuEventRecord);
  find(library, "cuEventQuery", cuEventQuery);
  find(library, "cuEventElapsedTime", cuEventElapsedTime);
  find(library, "cuModuleLoadData", cuModuleLoadData);
  find(library, "cuModuleUnload", cuModuleUnload);
  find(library, "cuModuleGetFunction", cuModuleGetFunction);
  find(library, "cuLaunchKernel", cuLaunchKernel);
  if (const CuResult result = cuInit(0); result != kCudaSuccess) {
    throw Error("the NVIDIA driver does not start: " + text_of(result),
                "see whether `nvidia-smi` works for this user");
  }
}

std::string CudaDriver::text_of(CuResult result) const {
  const char* name = nullptr;
  const char* text = nullptr;
  if (cuGetErrorName(result, &name) != kCudaSuccess || name == nullptr) name = "CUDA error";
  if (cuGetErrorString(result, &text) != kCudaSuccess || text == nullptr) text = "no explanation";
  return fmt::format("{} ({}): {}", name, result, text);
}

void CudaDriver::check(CuResult result, const char* doing) const {
  if (result == kCudaSuccess) return;
  throw DeviceError(fmt::format("{}: {}", doing, text_of(result)), result);
}

}  // namespace attnbench
