// Tiles in shared memory that go round: a producer fills a ring's slots in order, consumers empty
// them in the same order, and each side keeps one Turn. "full" and "empty" are mbarriers: who waits
// for full starts at parity 0, who waits for empty at 1, which a fresh barrier lets pass.
#pragma once

#include "kernel_kit/device/ptx.cuh"

enum class Side { producer, consumer };

template <int kSlots>
struct Turn {
  u32 slot = 0, parity;

  DEVICE Turn begin(Side side) { return {0, side == Side::producer ? 1u : 0u}; }

  __device__ __forceinline__ void advance() {
    if (++slot == kSlots) {
      slot = 0;
      parity ^= 1;
    }
  }
};

// The barriers of one ring, 8 bytes each: kSlots times full, then kSlots times empty.
template <int kSlots>
struct Ring {
  static constexpr u32 kBytes = 16 * kSlots;
  u32 barriers;

  __device__ __forceinline__ u32 end() const { return barriers + kBytes; }
  __device__ __forceinline__ u32 full(u32 slot) const { return barriers + 8 * slot; }
  __device__ __forceinline__ u32 empty(u32 slot) const { return barriers + 8 * (kSlots + slot); }

  __device__ __forceinline__ void init(u32 arrivals_full, u32 arrivals_empty) const {
    for (int i = 0; i < kSlots; ++i) {
      ptx::mbarrier_init(full(i), arrivals_full);
      ptx::mbarrier_init(empty(i), arrivals_empty);
    }
  }
  __device__ __forceinline__ void wait_full(const Turn<kSlots>& turn) const {
    ptx::mbarrier_wait(full(turn.slot), turn.parity);
  }
  __device__ __forceinline__ void wait_empty(const Turn<kSlots>& turn) const {
    ptx::mbarrier_wait(empty(turn.slot), turn.parity);
  }
};
