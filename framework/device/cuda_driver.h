// NVIDIA's driver API, as much of it as is used here, found in libcuda.so.1 at run time: one binary
// runs on a laptop without a driver and on a server with GPUs. The names are the driver's own, so
// that its manual can be searched; prototypes are declared here, so that no toolkit is needed to
// build. Its ABI is stable: a name with a suffix (_v2) never changes its meaning.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace attnbench {

using CuResult = int;
using CuDevice = int;
using CuAddress = uint64_t;
using CuContext = struct CUctx_st*;
using CuStream = struct CUstream_st*;
using CuEvent = struct CUevent_st*;
using CuModule = struct CUmod_st*;
using CuFunction = struct CUfunc_st*;
using CuGraph = struct CUgraph_st*;
using CuGraphExec = struct CUgraphExec_st*;

inline constexpr CuResult kCudaSuccess = 0;
inline constexpr CuResult kCudaOutOfMemory = 2;
inline constexpr CuResult kCudaNotReady = 600;

class CudaDriver {
 public:
  CudaDriver();  // throws Error on a machine without a usable driver

  // Throws DeviceError with the error's name, its text and what was being done: "copying rows".
  void check(CuResult result, const char* doing) const;
  std::string text_of(CuResult result) const;  // "CUDA_ERROR_INVALID_VALUE (1): invalid argument"

  CuResult (*cuInit)(unsigned flags);
  CuResult (*cuDriverGetVersion)(int* version);
  CuResult (*cuGetErrorName)(CuResult error, const char** name);
  CuResult (*cuGetErrorString)(CuResult error, const char** text);

  CuResult (*cuDeviceGetCount)(int* count);
  CuResult (*cuDeviceGet)(CuDevice* device, int ordinal);
  CuResult (*cuDeviceGetName)(char* name, int capacity, CuDevice device);
  CuResult (*cuDeviceGetUuid)(unsigned char (*uuid)[16], CuDevice device);
  CuResult (*cuDeviceTotalMem)(size_t* bytes, CuDevice device);
  CuResult (*cuDeviceGetAttribute)(int* value, int attribute, CuDevice device);

  CuResult (*cuDevicePrimaryCtxRetain)(CuContext* context, CuDevice device);
  CuResult (*cuDevicePrimaryCtxRelease)(CuDevice device);
  CuResult (*cuDevicePrimaryCtxGetState)(CuDevice device, unsigned* flags, int* is_active);
  CuResult (*cuCtxGetCurrent)(CuContext* context);
  CuResult (*cuCtxSetCurrent)(CuContext context);
  CuResult (*cuCtxSynchronize)();
  CuResult (*cuCtxSetLimit)(int limit, size_t value);
  CuResult (*cuCtxResetPersistingL2Cache)();

  CuResult (*cuMemGetInfo)(size_t* free_bytes, size_t* total_bytes);
  CuResult (*cuMemAlloc)(CuAddress* address, size_t bytes);
  CuResult (*cuMemFree)(CuAddress address);
  CuResult (*cuMemHostAlloc)(void** memory, size_t bytes, unsigned flags);
  CuResult (*cuMemFreeHost)(void* memory);
  CuResult (*cuMemcpyHtoDAsync)(CuAddress to, const void* from, size_t bytes, CuStream);
  CuResult (*cuMemsetD8Async)(CuAddress address, unsigned char value, size_t bytes, CuStream);

  CuResult (*cuStreamCreate)(CuStream* stream, unsigned flags);
  CuResult (*cuStreamDestroy)(CuStream stream);
  CuResult (*cuStreamSynchronize)(CuStream stream);
  CuResult (*cuStreamQuery)(CuStream stream);
  CuResult (*cuStreamBeginCapture)(CuStream stream, int mode);
  CuResult (*cuStreamEndCapture)(CuStream stream, CuGraph* graph);
  CuResult (*cuGraphInstantiateWithFlags)(CuGraphExec* exec, CuGraph graph, unsigned long long);
  CuResult (*cuGraphLaunch)(CuGraphExec exec, CuStream stream);
  CuResult (*cuGraphExecDestroy)(CuGraphExec exec);
  CuResult (*cuGraphDestroy)(CuGraph graph);

  CuResult (*cuEventCreate)(CuEvent* event, unsigned flags);
  CuResult (*cuEventDestroy)(CuEvent event);
  CuResult (*cuEventRecord)(CuEvent event, CuStream stream);
  CuResult (*cuEventQuery)(CuEvent event);
  CuResult (*cuEventElapsedTime)(float* milliseconds, CuEvent start, CuEvent stop);

  CuResult (*cuModuleLoadData)(CuModule* module, const void* image);
  CuResult (*cuModuleUnload)(CuModule module);
  CuResult (*cuModuleGetFunction)(CuFunction* function, CuModule module, const char* name);
  CuResult (*cuLaunchKernel)(CuFunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                             unsigned block_x, unsigned block_y, unsigned block_z,
                             unsigned shared_bytes, CuStream stream, void** arguments,
                             void** extra);
};

}  // namespace attnbench
