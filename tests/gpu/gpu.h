// The GPU under test. Each test runs in a process of its own (see run_all), so that one that spoils
// its context spoils nothing else. Without a GPU a test is skipped, and says so.
#pragma once

#include <optional>
#include <string>

#include "device/cuda_device.h"
#include "support/catch.h"

namespace attnbench {

struct Gpu {
  Gpu();

  CudaDevice device;
  CudaDriver driver;
  CuModule module = nullptr;

  CuFunction kernel(const char* name) const;
  void read_back(const Buffer& buffer, std::span<std::byte> out);

  template <typename... Arguments>
  void launch(CuFunction function, CudaGrid grid, Arguments... arguments) {
    void* addresses[] = {&arguments...};
    driver.check(
        driver.cuLaunchKernel(function, grid.x, grid.y, 1, grid.threads_x, grid.threads_y, 1, 0,
                              static_cast<CuStream>(device.stream()), addresses, nullptr),
        "launching a test's kernel");
  }
  void write_byte(const std::byte* address, unsigned char value);
};

// Why there is no GPU to test on; nothing if there is one.
std::optional<std::string> no_gpu();

}  // namespace attnbench

// First line of each test. ctest and run_all look for the word.
#define NEEDS_GPU()                                                    \
  if (const std::optional<std::string> reason = attnbench::no_gpu()) { \
    WARN("SKIPPED: no GPU here: " << *reason);                         \
    return;                                                            \
  }
