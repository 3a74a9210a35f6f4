// block_ptr's backward kernels for every GPU from sm_80 on.
#include "block_ptr/tile_descriptor.cuh"

#include "kernel_kit/device/mma_backward.cuh"
#include "kernel_kit/device/mma_backward_rows.cuh"
