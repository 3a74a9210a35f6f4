// Products of whole tiles from the wgmma instruction: D = A B (or +=) with both operands in shared
// memory, D += A B with A in registers. Tiles lie in pages of 64 columns, rows of 128 bytes, 128-byte
// swizzle. Recursion instead of loops: every k step's offset becomes an immediate of its
// instruction.
#pragma once

#include "kernel_kit/device/ptx.cuh"

// Of k step `step`, in units of 16 bytes. page_bytes: K-major, a page of 64 columns of k; 0:
// MN-major.
__host__ __device__ constexpr int offset_of_step(int step, int page_bytes) {
  return page_bytes ? step / 4 * (page_bytes / 16) + step % 4 * 2 : step * 128;
}

// D[64 x N] = A B over kSteps k steps of 16, D += A B if kAdds. N / 2 registers.
template <Element kElement, int N, int kSteps, int kPageBytesA, int kPageBytesB, bool kAdds = false,
          int kStep = 0>
DEVICE void product(float* d, u32 a, u32 b) {
  constexpr ptx::Major kMajorA = kPageBytesA ? ptx::Major::k : ptx::Major::mn;
  constexpr ptx::Major kMajorB = kPageBytesB ? ptx::Major::k : ptx::Major::mn;
  ptx::Wgmma<N>::template ss<kElement, kMajorA, kMajorB, kStep == 0 && !kAdds,
                             offset_of_step(kStep, kPageBytesA),
                             offset_of_step(kStep, kPageBytesB)>(d, a, b);
  if constexpr (kStep + 1 < kSteps) {
    product<kElement, N, kSteps, kPageBytesA, kPageBytesB, kAdds, kStep + 1>(d, a, b);
  }
}

// D[64 x N] += A B, B MN-major; `a` holds 4 registers a step.
template <Element kElement, int N, int kSteps, int kStep = 0>
DEVICE void add_product(float* d, const u32* a, u32 b) {
  ptx::Wgmma<N>::template rs<kElement, ptx::Major::mn, offset_of_step(kStep, 0)>(d, a + 4 * kStep,
                                                                                 b);
  if constexpr (kStep + 1 < kSteps) add_product<kElement, N, kSteps, kStep + 1>(d, a, b);
}
