// Which tile of which head a block of a one-dimensional grid computes. Blocks that run at the same
// time should find each other's operands in L2: those of one head share K and V, or Q and dO; with
// a bias that all heads share, `side_by_side` heads at the same tile share the bias.
#pragma once

#include "kernel_kit/device/ptx.cuh"

struct BlockPlace {
  int tile, head, batch;
};

DEVICE BlockPlace block_place(int tiles, int heads, int side_by_side) {
  int rest = static_cast<int>(blockIdx.x);
  const int inner = rest % side_by_side;
  rest /= side_by_side;
  const int tile = rest % tiles;
  rest /= tiles;
  const int groups = heads / side_by_side;
  return {tile, rest % groups * side_by_side + inner, rest / groups};
}

// At most `most` heads, a power of two; one if nothing but Q, K and V is to be shared.
DEVICE int heads_side_by_side(int heads, bool share_bias, int most) {
  int together = share_bias ? most : 1;
  while (heads % together != 0) together /= 2;
  return together;
}
