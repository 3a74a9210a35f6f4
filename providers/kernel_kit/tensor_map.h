// TMA's description of a tensor in memory, made by the driver on the host.
#pragma once

#include "gpu_common/driver.h"
#include "kernel_kit/engine.h"

namespace kernel_kit {

// Throws attn::Failure. `address` is where the map's first element lies.
CUtensorMap encode(const gpu::Driver& driver, const TensorMap& map, bool is_bf16,
                   const void* address);

}  // namespace kernel_kit
