// The engines of the portable kernels (device/mma_*.cuh): every GPU from sm_80 on, every feature,
// every tile that fits. Both providers list them last, each with its own text around the same
// kernels.
#pragma once

#include "kernel_kit/engine.h"

namespace kernel_kit {

// `source` includes a TileAccess and device/mma_forward.cuh, or the two of the backward pass.
Engine mma_forward_engine(const char* source);
Engine mma_backward_engine(const char* source);

}  // namespace kernel_kit
