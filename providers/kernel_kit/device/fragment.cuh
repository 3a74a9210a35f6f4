// A warp's 16 rows of a 64 x N accumulator: lane l holds rows l / 4 and l / 4 + 8; of every 8
// columns it has 2 * (l % 4) and the next. Element e of its array is row (e / 2) % 2 and column
// e / 4 * 8 + e % 2 of those. Packed in pairs, the same registers are the A operand of a product.
#pragma once

#include "kernel_kit/device/ptx.cuh"

DEVICE constexpr int row_of(int element) {
  return element >> 1 & 1;
}
DEVICE constexpr int column_of(int element) {
  return (element >> 2) * 8 + (element & 1);
}

template <Element kElement, int kValues>
DEVICE void pack_all(const float (&values)[kValues], u32 (&packed)[kValues / 2]) {
#pragma unroll
  for (int i = 0; i < kValues / 2; ++i) {
    packed[i] = ptx::pack<kElement>(values[2 * i], values[2 * i + 1]);
  }
}

template <int kValues>
DEVICE void scale_rows(float (&values)[kValues], const float (&factor)[2]) {
#pragma unroll
  for (int e = 0; e < kValues; ++e) values[e] *= factor[row_of(e)];
}

// Four packed registers per lane of a quad: register i of lane j goes to register j of lane i, so
// that each lane holds 8 neighbouring columns, 16 bytes of one row.
DEVICE void transpose_quad(u32 (&x)[4], int lane_of_quad) {
#pragma unroll
  for (int i = 0; i < 4; i += 2) {
    const u32 other = __shfl_xor_sync(~0u, lane_of_quad & 1 ? x[i] : x[i + 1], 1);
    if (lane_of_quad & 1)
      x[i] = other;
    else
      x[i + 1] = other;
  }
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    const u32 other = __shfl_xor_sync(~0u, lane_of_quad & 2 ? x[i] : x[i + 2], 2);
    if (lane_of_quad & 2)
      x[i] = other;
    else
      x[i + 2] = other;
  }
}
