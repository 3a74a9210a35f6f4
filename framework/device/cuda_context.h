// One GPU made ready to work: its primary context (the one that providers share), a stream that
// orders itself behind no other, attnbench's own kernels, and pinned memory for their answers.
#pragma once

#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "device/cuda_driver.h"

namespace attnbench {

// Throws OutOfDeviceMemory, and DeviceError if it fails for another reason.
CuAddress allocate_device_memory(const CudaDriver& driver, size_t bytes);

// Device memory of attnbench itself, without guard bands.
class CudaMemory {
 public:
  CudaMemory() = default;
  CudaMemory(const CudaDriver& driver, size_t bytes);
  CudaMemory(CudaMemory&& other) noexcept;
  CudaMemory& operator=(CudaMemory&& other) noexcept;
  ~CudaMemory();

  CuAddress address() const { return address_; }

 private:
  const CudaDriver* driver_ = nullptr;
  CuAddress address_ = 0;
};

struct CudaGrid {
  unsigned x = 1, y = 1;
  unsigned threads_x = 256, threads_y = 1;
};

class CudaContext {
 public:
  explicit CudaContext(int ordinal);  // throws Error or DeviceError
  ~CudaContext();
  // It is current in the thread that made it.
  CudaContext(const CudaContext&) = delete;
  CudaContext& operator=(const CudaContext&) = delete;

  const CudaDriver& driver() const { return driver_; }
  CuStream stream() const { return stream_; }
  CuFunction kernel(const char* name) const;
  void synchronize(const char* doing) const;

  // Queues a kernel of ours. Arguments are passed as they are: they must have the types that the
  // kernel's parameters have.
  template <typename... Arguments>
  void launch(CuFunction kernel, const CudaGrid& grid, const Arguments&... arguments) const {
    static_assert((std::is_trivially_copyable_v<Arguments> && ...));
    void* addresses[] = {const_cast<void*>(static_cast<const void*>(&arguments))...};
    driver_.check(driver_.cuLaunchKernel(kernel, grid.x, grid.y, 1, grid.threads_x, grid.threads_y,
                                         1, 0, stream_, addresses, nullptr),
                  "launching one of attnbench's own kernels");
  }

  // Host memory at the same address for the GPU, for short lists and answers. One use at a time:
  // whoever takes it has to synchronise before anybody else does.
  std::span<std::byte> pinned() const { return pinned_; }

  // As many blocks of 256 threads as keep the GPU busy over `items` items.
  CudaGrid grid_for(int64_t items) const;
  int processors() const { return processors_; }

 private:
  void release() noexcept;

  CudaDriver driver_;
  CuDevice device_ = 0;
  bool is_retained_ = false;
  CuStream stream_ = nullptr;
  CuModule module_ = nullptr;
  std::span<std::byte> pinned_;
  int processors_ = 0;
};

}  // namespace attnbench
