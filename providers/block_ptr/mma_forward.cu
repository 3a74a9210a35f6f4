// block_ptr's forward kernel for every GPU from sm_80 on that has no TMA, or whose cell needs more
// than the kernels with TMA do.
#include "block_ptr/tile_descriptor.cuh"

#include "kernel_kit/device/mma_forward.cuh"
