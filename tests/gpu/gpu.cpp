#include "gpu/gpu.h"

#include <dlfcn.h>

#include "base/error.h"

extern "C" const char attnbench_test_kernels_ptx[];

namespace attnbench {

Gpu::Gpu() : device(0) {
  driver.check(driver.cuModuleLoadData(&module, attnbench_test_kernels_ptx),
               "loading the tests' kernels");
}

CuFunction Gpu::kernel(const char* name) const {
  CuFunction function = nullptr;
  driver.check(driver.cuModuleGetFunction(&function, module, name), name);
  return function;
}

void Gpu::read_back(const Buffer& buffer, std::span<std::byte> out) {
  using Copy = CuResult(void*, CuAddress, size_t);
  void* const library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  REQUIRE(library != nullptr);
  Copy* const copy = reinterpret_cast<Copy*>(dlsym(library, "cuMemcpyDtoH_v2"));
  REQUIRE(copy != nullptr);
  device.synchronize();
  const CuAddress from = reinterpret_cast<CuAddress>(buffer.data());
  driver.check(copy(out.data(), from, out.size()), "reading a tensor back");
}

void Gpu::write_byte(const std::byte* address, unsigned char value) {
  launch(kernel("write_byte"), {1, 1, 1, 1}, reinterpret_cast<CuAddress>(address), value);
}

std::optional<std::string> no_gpu() {
  try {
    const DeviceIdentity first("cuda:0");
    return std::nullopt;
  } catch (const Error& error) {
    return error.what();
  }
}

}  // namespace attnbench
