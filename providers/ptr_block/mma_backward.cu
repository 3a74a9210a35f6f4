// ptr_block's backward kernels for every GPU from sm_80 on.
#include "ptr_block/pointer_block.cuh"

#include "kernel_kit/device/mma_backward.cuh"
#include "kernel_kit/device/mma_backward_rows.cuh"
