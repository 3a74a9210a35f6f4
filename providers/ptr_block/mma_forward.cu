// ptr_block's forward kernel for every GPU from sm_80 on.
#include "ptr_block/pointer_block.cuh"

#include "kernel_kit/device/mma_forward.cuh"
