// A loop whose index is a constant in its body: for addresses that must become immediates of their
// instructions. An unrolled loop's variable turns constant too late for that.
#pragma once

template <int kValue>
struct Constant {
  static constexpr int value = kValue;
};

template <int kEnd, int kBegin = 0, typename Body>
static __device__ __forceinline__ void static_for(Body&& body) {
  if constexpr (kBegin < kEnd) {
    body(Constant<kBegin>{});
    static_for<kEnd, kBegin + 1>(body);
  }
}
