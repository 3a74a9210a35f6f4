// A compiled kernel in the current context, and its launch.
#pragma once

#include <string>

#include "gpu_common/driver.h"
#include "kernel_kit/engine.h"

namespace kernel_kit {

class Module {
 public:
  Module(const gpu::Driver& driver, const std::string& image);  // throws attn::Failure
  ~Module();
  // Owns a module.
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  // Ready for the launch's dynamic shared memory.
  CUfunction function(const Launch& launch) const;
  int attribute(CUfunction function, CUfunction_attribute which) const;

  // Enqueues on `stream`; `parameters` points to each of the kernel's parameters.
  void launch(CUfunction function, const Launch& launch, void** parameters, void* stream) const;

 private:
  const gpu::Driver& driver_;
  CUmodule module_ = nullptr;
};

}  // namespace kernel_kit
