// The online softmax of a warp's 16 rows, two per lane, over blocks of kColumns keys.
// Scores come in units of which `to_log2` makes powers of two: P = 2^((score - maximum) * to_log2).
// Row sums stay per lane until the end; only maxima are shuffled, and those rarely (see update).
#pragma once

#include "kernel_kit/device/fragment.cuh"

// Below every score that is not -inf, so that a row of nothing but -inf gives exp2(-inf) = 0 and a
// sum of 0 instead of NaN. Small enough to be multiplied by to_log2.
constexpr float kLowestMaximum = -1e30f;
// bf16 biases go down to -3.39e38, which times log2(e) is -inf: there the difference is taken
// first, one instruction more per score.
constexpr float kLowestFloat = -3.402823466e38f;

// Half of what fp16 holds. A sum bounds its terms.
constexpr float kLargestTrustedSum = 32768.0f;

template <int kColumns, bool kAnyFloat, bool kLazyRescale>
struct Softmax {
  static constexpr int kScores = kColumns / 2;
  float maximum[2], sum[2];
  float to_log2;
  float largest;  // of this lane's scores in the last block

  __device__ __forceinline__ void see_nothing() {
    maximum[0] = maximum[1] = kLowestMaximum;
    sum[0] = sum[1] = 0.0f;
  }

  // Merges the block's maxima. Returns whether sums and output must be multiplied by factor[].
  template <bool kFirst>
  __device__ __forceinline__ bool update(const float (&s)[kScores], float (&factor)[2]) {
    float of_row[2];
#pragma unroll
    for (int r = 0; r < 2; ++r) {  // two chains a row, for speed
      float even = s[2 * r], odd = s[2 * r + 1];
#pragma unroll
      for (int i = 1; i < kColumns / 8; ++i) {
        even = ptx::maximum(even, s[4 * i + 2 * r]);
        odd = ptx::maximum(odd, s[4 * i + 2 * r + 1]);
      }
      of_row[r] = ptx::maximum(even, odd);
    }
    largest = ptx::maximum(of_row[0], of_row[1]);
    // Any number near the maximum will do for stability: the old one is kept while no score of the
    // warp exceeds it by 2^8. Exact, for it cancels; and the vote needs no shuffles.
    if (kLazyRescale && !kFirst) {
      const float growth = ptx::maximum(of_row[0] - maximum[0], of_row[1] - maximum[1]);
      if (!__any_sync(~0u, growth * to_log2 > 8.0f)) return false;
    }
#pragma unroll
    for (int lanes = 1; lanes <= 2; lanes *= 2) {
#pragma unroll
      for (int r = 0; r < 2; ++r) {
        of_row[r] = ptx::maximum(of_row[r], __shfl_xor_sync(~0u, of_row[r], lanes));
      }
    }
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      if (kFirst) {
        maximum[r] = ptx::maximum(of_row[r], kAnyFloat ? kLowestFloat : kLowestMaximum);
        sum[r] = 0.0f;
      } else {
        const float merged = ptx::maximum(maximum[r], of_row[r]);
        factor[r] = ptx::exp2((maximum[r] - merged) * to_log2);
        maximum[r] = merged;
        sum[r] *= factor[r];
      }
    }
    return !kFirst;
  }

  // A block on trust: the old maximum is taken for granted and no score is compared with it.
  // Returns false where that was wrong: some weight is too large for 16 bits, or infinite. Then the
  // scores are lost, and the caller must compute them anew and take the way of update().
  __device__ __forceinline__ bool exponentiate_on_trust(float (&s)[kScores]) {
    const float before[2] = {sum[0], sum[1]};
    sum[0] = sum[1] = 0.0f;
    exponentiate(s);
    const bool is_right = !__any_sync(~0u, ptx::maximum(sum[0], sum[1]) > kLargestTrustedSum);
    if (!is_right) sum[0] = sum[1] = 0.0f;
    sum[0] += before[0];
    sum[1] += before[1];
    return is_right;
  }

  __device__ __forceinline__ void exponentiate(float (&s)[kScores]) {
    const float offset[2] = {maximum[0] * to_log2, maximum[1] * to_log2};
#pragma unroll
    for (int e = 0; e < kScores; ++e) {
      const int r = row_of(e);
      s[e] = ptx::exp2(kAnyFloat ? (s[e] - maximum[r]) * to_log2
                                 : __fmaf_rn(s[e], to_log2, -offset[r]));
      sum[r] += s[e];
    }
  }

  // Takes in another part of row r's keys, as finish() leaves it: factors for O of both parts.
  __device__ __forceinline__ void merge(int r, float its_maximum, float its_sum, float& ours,
                                        float& theirs) {
    const float merged = ptx::maximum(maximum[r], its_maximum);
    ours = ptx::exp2((maximum[r] - merged) * to_log2);
    theirs = ptx::exp2((its_maximum - merged) * to_log2);
    maximum[r] = merged;
    sum[r] = sum[r] * ours + its_sum * theirs;
  }

  // Row sums over the quad that shares a row.
  __device__ __forceinline__ void finish() {
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      sum[r] += __shfl_xor_sync(~0u, sum[r], 1);
      sum[r] += __shfl_xor_sync(~0u, sum[r], 2);
    }
  }
  __device__ __forceinline__ float inverse_sum(int r) const {
    return sum[r] > 0.0f ? 1.0f / sum[r] : 0.0f;  // a fully masked row gives O = 0
  }
  // Natural logarithm; log2(0) makes a fully masked row -inf.
  __device__ __forceinline__ float log_sum(int r) const {
    constexpr float kLn2 = 0.69314718055994531f;
    if (kAnyFloat) return maximum[r] + ptx::log2(sum[r]) * kLn2;
    return (maximum[r] * to_log2 + ptx::log2(sum[r])) * kLn2;
  }
};
