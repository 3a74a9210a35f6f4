// A unit whose keys several blocks share: who has its beginning collects what the others computed,
// their maxima, sums and O before the division, and stores the result. Each warp has its own place
// and its own word of a.counters, which forward_prepare has zeroed, so that no others need to meet.
#pragma once

#include "kernel_kit/device/fragment.cuh"
#include "kernel_kit/device/work_list.cuh"

// Between a warp that computed a part of `sharer` and the warp of the same rows that collects it.
template <int kWarps, int kValues>
struct Handover {
  static constexpr int kLaneBytes = 16, kStepBytes = 32 * kLaneBytes;  // 32 lanes side by side
  static constexpr int kPartBytes = (1 + kValues / 4) * kStepBytes;
  char* place;  // of this lane
  int* word;

  // `block` counts the blocks of all shares, `warp` the computing warps of a block.
  __device__ __forceinline__ Handover(const AttentionArguments& a, int block, int warp, int lane) {
    const int number = block * kWarps + warp;
    place = reinterpret_cast<char*>(a.parts) + static_cast<long long>(number) * kPartBytes +
            lane * kLaneBytes;
    word = a.counters + number;
  }

  template <class Softmax>
  __device__ __forceinline__ void give(const float (&output)[kValues], const Softmax& softmax,
                                       int lane) const {
    ptx::store_global_f4(place, softmax.maximum[0], softmax.maximum[1], softmax.sum[0],
                         softmax.sum[1]);
#pragma unroll
    for (int i = 0; i < kValues / 4; ++i) {
      ptx::store_global_f4(place + (1 + i) * kStepBytes, output[4 * i], output[4 * i + 1],
                           output[4 * i + 2], output[4 * i + 3]);
    }
    __syncwarp();
    if (lane == 0) ptx::store_release(word, 1);
  }

  template <class Softmax>
  __device__ __forceinline__ void take(float (&output)[kValues], Softmax& softmax) const {
    while (ptx::load_acquire(word) == 0) {
    }
    const float4 of_rows = ptx::load_global_f4(place);
    const float maximum[2] = {of_rows.x, of_rows.y}, sum[2] = {of_rows.z, of_rows.w};
    float ours[2], theirs[2];
#pragma unroll
    for (int r = 0; r < 2; ++r) softmax.merge(r, maximum[r], sum[r], ours[r], theirs[r]);
#pragma unroll
    for (int i = 0; i < kValues / 4; ++i) {
      const float4 x = ptx::load_global_f4(place + (1 + i) * kStepBytes);
      const float values[4] = {x.x, x.y, x.z, x.w};
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        float& o = output[4 * i + e];
        o = o * ours[row_of(e)] + values[e] * theirs[row_of(e)];
      }
    }
  }
};
