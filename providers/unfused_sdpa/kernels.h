// The kernels of softmax.cu on one device: compiled for it by the driver, launched on a stream.
#pragma once

#include <attnbench/provider.hpp>

#include "gpu_common/driver.h"
#include "softmax.h"

namespace unfused_sdpa {

struct Kernel {
  const char* name = "";
  CUfunction function = nullptr;
};

class Kernels {
 public:
  Kernels();  // throws attn::Failure; the device's context is current
  ~Kernels();
  // Owns a module.
  Kernels(const Kernels&) = delete;
  Kernels& operator=(const Kernels&) = delete;

  // Those for 16-bit elements of this dtype.
  Kernel softmax(attn_dtype dtype) const;
  Kernel softmax_backward(attn_dtype dtype) const;
  Kernel sum_groups(attn_dtype dtype) const;

  attn::KernelInfo info(const Kernel& kernel, unsigned blocks) const;

  template <typename Arguments>
  void launch(const Kernel& kernel, unsigned blocks, Arguments arguments, void* stream) const {
    void* addresses[] = {&arguments};
    driver_.check(driver_.launch(kernel.function, blocks, 1, 1, kThreads, 1, 1, 0,
                                 static_cast<CUstream>(stream), addresses, nullptr),
                  kernel.name);
  }

 private:
  Kernel find(attn_dtype dtype, const char* for_fp16, const char* for_bf16) const;

  gpu::Driver driver_;
  CUmodule module_ = nullptr;
};

}  // namespace unfused_sdpa
