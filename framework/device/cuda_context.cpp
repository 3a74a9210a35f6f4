#include "device/cuda_context.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "device/cuda_kernels.h"
#include "device/device.h"

namespace attnbench {
namespace {

// Values of cuda.h.
constexpr int kAttributeProcessors = 16, kAttributeMajor = 75;
constexpr unsigned kStreamNonBlocking = 1;
constexpr unsigned kHostPortable = 1, kHostMapped = 2;

constexpr int kOldestMajor = 8;  // the kernels' PTX is for compute capability 8.0 and up
constexpr size_t kPinnedBytes = 4 << 20;

}  // namespace

CuAddress allocate_device_memory(const CudaDriver& driver, size_t bytes) {
  CuAddress address = 0;
  const CuResult result = driver.cuMemAlloc(&address, bytes);
  if (result == kCudaOutOfMemory) {
    size_t free_bytes = 0, total_bytes = 0;
    driver.cuMemGetInfo(&free_bytes, &total_bytes);
    throw OutOfDeviceMemory(fmt::format("needs {}, the GPU has {} free of {}", human_bytes(bytes),
                                        human_bytes(free_bytes), human_bytes(total_bytes)));
  }
  driver.check(result, "allocating device memory");
  return address;
}

CudaMemory::CudaMemory(const CudaDriver& driver, size_t bytes)
    : driver_(&driver), address_(allocate_device_memory(driver, bytes)) {}

CudaMemory::CudaMemory(CudaMemory&& other) noexcept {
  *this = std::move(other);
}

CudaMemory& CudaMemory::operator=(CudaMemory&& other) noexcept {
  std::swap(driver_, other.driver_);
  std::swap(address_, other.address_);
  return *this;
}

CudaMemory::~CudaMemory() {
  if (driver_ != nullptr) driver_->cuMemFree(address_);
}

CudaContext::CudaContext(int ordinal) {
  if (attnbench_device_kernels_ptx[0] == '\0') {
    throw Error("this attnbench was built without nvcc, so it has no GPU kernels",
                "build it again where CUDA Toolkit 13 is found (scripts/bootstrap --cuda)");
  }
  driver_.check(driver_.cuDeviceGet(&device_, ordinal), "opening a GPU");
  int major = 0;
  driver_.check(driver_.cuDeviceGetAttribute(&major, kAttributeMajor, device_),
                "asking for a GPU's compute capability");
  driver_.check(driver_.cuDeviceGetAttribute(&processors_, kAttributeProcessors, device_),
                "asking for a GPU's number of SMs");
  if (major < kOldestMajor) {
    throw Error(fmt::format("cuda:{} has compute capability {}.x", ordinal, major),
                "attnbench measures on GPUs from 8.0 (Ampere) on");
  }
  try {
    CuContext context = nullptr;
    driver_.check(driver_.cuDevicePrimaryCtxRetain(&context, device_), "making a CUDA context");
    is_retained_ = true;
    driver_.check(driver_.cuCtxSetCurrent(context), "making a CUDA context current");
    driver_.check(driver_.cuStreamCreate(&stream_, kStreamNonBlocking), "making a stream");
    driver_.check(driver_.cuModuleLoadData(&module_, attnbench_device_kernels_ptx),
                  "loading attnbench's own kernels");
    void* pinned = nullptr;
    driver_.check(driver_.cuMemHostAlloc(&pinned, kPinnedBytes, kHostPortable | kHostMapped),
                  "allocating pinned memory");
    pinned_ = {static_cast<std::byte*>(pinned), kPinnedBytes};
  } catch (...) {
    release();
    throw;
  }
}

CudaContext::~CudaContext() {
  release();
}

// After a sticky error each of these fails, too; there is nothing to be done about that here.
void CudaContext::release() noexcept {
  if (!pinned_.empty()) driver_.cuMemFreeHost(pinned_.data());
  if (module_ != nullptr) driver_.cuModuleUnload(module_);
  if (stream_ != nullptr) driver_.cuStreamDestroy(stream_);
  if (is_retained_) driver_.cuDevicePrimaryCtxRelease(device_);
}

CuFunction CudaContext::kernel(const char* name) const {
  CuFunction function = nullptr;
  driver_.check(driver_.cuModuleGetFunction(&function, module_, name), name);
  return function;
}

void CudaContext::synchronize(const char* doing) const {
  driver_.check(driver_.cuStreamSynchronize(stream_), doing);
}

CudaGrid CudaContext::grid_for(int64_t items) const {
  constexpr int64_t kThreads = 256, kBlocksPerProcessor = 8;
  const int64_t blocks =
      std::min((items + kThreads - 1) / kThreads, int64_t{processors_} * kBlocksPerProcessor);
  return {static_cast<unsigned>(std::max<int64_t>(blocks, 1)), 1, kThreads, 1};
}

}  // namespace attnbench
