// The online softmax of one panel: scores are S^T[key][lane] in units of log2, so that a maximum, a
// sum and a rescaling are vertical operations, and a query row never leaves its lane.
#if defined(CPU_FLASH_SOFTMAX_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef CPU_FLASH_SOFTMAX_INL_H
#undef CPU_FLASH_SOFTMAX_INL_H
#else
#define CPU_FLASH_SOFTMAX_INL_H
#endif

#include <algorithm>
#include <limits>

#include "simd/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cpu_flash {
namespace HWY_NAMESPACE {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Lane i sees the keys up to first_limit + i of this block; hides the others by -inf.
template <int kVectors>
HWY_NOINLINE void hide_keys(int64_t keys, int64_t first_limit, float* scores) {
  for (int64_t key = std::max<int64_t>(0, first_limit + 1); key < keys; ++key) {
    const Vec first_lane = splat(static_cast<float>(key - first_limit));
    for (int j = 0; j < kVectors; ++j) {
      float* at = scores + key * kPanelRows + j * kLanes;
      const Vec lane = hn::Iota(Floats(), static_cast<float>(j * kLanes));
      store(hn::IfThenElse(hn::Ge(lane, first_lane), load(at), splat(-kInfinity)), at);
    }
  }
}

template <int kVectors>
HWY_NOINLINE void column_maximum(int64_t keys, const float* scores, float* column_max) {
  for (int j = 0; j < kVectors; ++j) {
    Vec most = splat(-kInfinity);
    for (int64_t key = 0; key < keys; ++key) {
      most = hn::Max(most, load(scores + key * kPanelRows + j * kLanes));
    }
    store(most, column_max + j * kLanes);
  }
}

// Turns scores into exp(score - row_max) in place. row_max and row_sum learn of the new keys,
// shrink becomes the factor for what was accumulated against the old maximum. Returns false if all
// of it is 1. A row that has seen only -inf keeps row_max = -inf and all its weights are 0.
template <int kVectors>
HWY_NOINLINE bool update_softmax(int64_t keys, float* scores, const float* column_max,
                                 float* row_max, float* row_sum, float* shrink) {
  Vec most[kVectors], sum[kVectors];
  bool has_grown = false;
#pragma GCC unroll 4
  for (int j = 0; j < kVectors; ++j) {
    const Vec old_max = load(row_max + j * kLanes);
    const Vec new_max = hn::Max(old_max, load(column_max + j * kLanes));
    has_grown = has_grown || !hn::AllTrue(Floats(), hn::Eq(old_max, new_max));
    store(new_max, row_max + j * kLanes);
    most[j] = hn::IfThenElse(hn::Eq(new_max, splat(-kInfinity)), hn::Zero(Floats()), new_max);
    const Vec factor = exp2(hn::Sub(old_max, most[j]));
    store(factor, shrink + j * kLanes);
    sum[j] = hn::Zero(Floats());
  }
  for (int64_t key = 0; key < keys; ++key) {
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) {
      float* at = scores + key * kPanelRows + j * kLanes;
      const Vec weight = exp2(hn::Sub(load(at), most[j]));
      sum[j] = hn::Add(sum[j], weight);
      store(weight, at);
    }
  }
#pragma GCC unroll 4
  for (int j = 0; j < kVectors; ++j) {
    const Vec old_sum = hn::Mul(load(row_sum + j * kLanes), load(shrink + j * kLanes));
    store(hn::Add(old_sum, sum[j]), row_sum + j * kLanes);
  }
  return has_grown;
}

}  // namespace HWY_NAMESPACE
}  // namespace cpu_flash
HWY_AFTER_NAMESPACE();
#endif  // include guard
