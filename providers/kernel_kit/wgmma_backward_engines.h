// The engines of the sm_90a backward kernels (device/backward_*.cuh), one for each way to load
// tiles. They serve one tile of queries and keys for each head_dim, the one whose sums fit into
// registers; the mma.sync engine behind them serves the rest.
#pragma once

#include "kernel_kit/engine.h"

namespace kernel_kit {

// `source`: block_ptr's text with tensor maps, ptr_block's without.
Engine tma_backward_engine(const char* source);
Engine cp_async_backward_engine(const char* source);

}  // namespace kernel_kit
