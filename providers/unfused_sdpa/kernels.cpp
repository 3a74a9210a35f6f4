#include "kernels.h"

// softmax.cu as PTX, embedded by the build.
extern "C" const char unfused_sdpa_softmax_ptx[];

namespace unfused_sdpa {

Kernels::Kernels() {
  driver_.check(driver_.module_load(&module_, unfused_sdpa_softmax_ptx),
                "loading the softmax kernels");
}

Kernels::~Kernels() {
  driver_.module_unload(module_);
}

Kernel Kernels::find(attn_dtype dtype, const char* for_fp16, const char* for_bf16) const {
  Kernel kernel{attn::same_dtype(dtype, attn::kFp16) ? for_fp16 : for_bf16, nullptr};
  driver_.check(driver_.module_function(&kernel.function, module_, kernel.name), kernel.name);
  return kernel;
}

Kernel Kernels::softmax(attn_dtype dtype) const {
  return find(dtype, "softmax_fp16", "softmax_bf16");
}
Kernel Kernels::softmax_backward(attn_dtype dtype) const {
  return find(dtype, "softmax_backward_fp16", "softmax_backward_bf16");
}
Kernel Kernels::sum_groups(attn_dtype dtype) const {
  return find(dtype, "sum_groups_fp16", "sum_groups_bf16");
}

attn::KernelInfo Kernels::info(const Kernel& kernel, unsigned blocks) const {
  const auto attribute = [&](CUfunction_attribute which) {
    int value = 0;
    driver_.check(driver_.function_attribute(&value, which, kernel.function), kernel.name);
    return static_cast<uint32_t>(value);
  };
  return {.name = kernel.name,
          .regs_per_thread = attribute(CU_FUNC_ATTRIBUTE_NUM_REGS),
          .spill_bytes = attribute(CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES),
          .smem_bytes = attribute(CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES),
          .grid = {blocks, 1, 1},
          .block = {kThreads, 1, 1}};
}

}  // namespace unfused_sdpa
