// The forward pass by cp.async and wgmma, sm_90a.
#pragma once

#include "kernel_kit/engine.h"

namespace ptr_block {

extern const kernel_kit::Engine kCpAsyncForwardCounted;  // causal: units from a counter
extern const kernel_kit::Engine kCpAsyncForward;

}  // namespace ptr_block
