// The forward pass by TMA and wgmma, sm_90a. The first two serve what they are
// good for, the last one every cell.
#pragma once

#include "kernel_kit/engine.h"

namespace block_ptr {

extern const kernel_kit::Engine
    kForwardQueryPairs;  // a bias, head_dim 256: two blocks share K and V
extern const kernel_kit::Engine kTmaForwardCounted;  // causal: units go to whoever is free
extern const kernel_kit::Engine kTmaForward;

}  // namespace block_ptr
