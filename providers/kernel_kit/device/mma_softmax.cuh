// Softmax of scores that lie in registers as mma.sync leaves them (mma_tile.cuh).
//
// Without a bias the scores stay raw sums Q K^T until the exponent, where scale * log2(e) and the
// row maximum cost one multiply-add together. With a bias they become scale * S + bias, in natural
// units: the bias may be as low as the lowest bf16, and that times log2(e) would be -inf, which
// means something else: a key that -inf hides has no weight, a row of nothing else has O = 0, LSE =
// -inf.
#pragma once

#include "kernel_kit/device/mma_tile.cuh"

// exp(score - row_max) or, in the backward pass, exp(score - LSE). `offset` is what exponent_offset
// makes of that maximum or LSE.
struct Exponent {
  float scale_log2e;

  // `most`: raw with no bias, else natural. -inf, a row that sees nothing, yields weights of 0.
  __device__ __forceinline__ float offset(float most) const {
    if (most == -kInfinity) return 0.f;
    return HAS_BIAS ? most : most * scale_log2e;
  }
  __device__ __forceinline__ float weight(float score, float offset) const {
    return ptx::exp2(HAS_BIAS ? (score - offset) * kLog2E : score * scale_log2e - offset);
  }
};

template <int kRowBlocks, int kColumnBlocks, int kColumns>
DEVICE void scale_and_add_bias(Sums<kRowBlocks, kColumnBlocks>& scores, float scale,
                               TileView<kColumns> bias) {
#pragma unroll
  for (int m = 0; m < kRowBlocks; ++m) {
#pragma unroll
    for (int n = 0; n < kColumnBlocks; ++n) {
      u32 pairs[4];
      bias.load(m * 16, n * 16, pairs);
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        float low, high;
        ptx::unpack<kElement>(pairs[i], low, high);
        float* pair = &scores.block[m][n][2 * i];
        pair[0] = pair[0] * scale + low;
        pair[1] = pair[1] * scale + high;
      }
    }
  }
}

// -inf where a row does not see a key. Row and key are those of the part's first element.
template <int kRowBlocks, int kColumnBlocks>
DEVICE void hide_scores(Sums<kRowBlocks, kColumnBlocks>& scores, int row, int key, int seqlen_kv,
                        int diagonal) {
  const bool has_end = HAS_TAILS && key + kColumnBlocks * 16 > seqlen_kv;
  const bool has_edge = IS_CAUSAL && key + kColumnBlocks * 16 - 1 > row + diagonal;
  if (!has_end && !has_edge) return;
  const int lane = lane_id();
  const int first_key = key + lane % 4 * 2;
#pragma unroll
  for (int m = 0; m < kRowBlocks; ++m) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      int keys = seqlen_kv;
      if (IS_CAUSAL) keys = min(keys, row + m * 16 + half * 8 + lane / 4 + diagonal + 1);
      const int visible = keys - first_key;
#pragma unroll
      for (int n = 0; n < kColumnBlocks; ++n) {
#pragma unroll
        for (int i = 0; i < 8; ++i) {
          if (row_half(i) != half * 8) continue;
          if (n * 16 + column_part(i) >= visible) scores.block[m][n][i] = -kInfinity;
        }
      }
    }
  }
}

template <int kRowBlocks>
class OnlineSoftmax {
 public:
  __device__ __forceinline__ explicit OnlineSoftmax(float scale)
      : scale_(scale),
        slack_(HAS_BIAS ? kSlack * kLn2 : kSlack * kLn2 / scale),
        exponent_{scale * kLog2E} {
#pragma unroll
    for (int m = 0; m < kRowBlocks; ++m) {
#pragma unroll
      for (int half = 0; half < 2; ++half) row_max_[m][half] = -kInfinity, row_sum_[m][half] = 0.f;
    }
  }

  // Scores become weights relative to row_max_, which is the maximum so far or a little less: only
  // where a weight could exceed 2^kSlack it is brought up to date, and what was summed against the
  // old one shrinks.
  template <int kColumnBlocks, int kOutputBlocks>
  __device__ __forceinline__ void update(Sums<kRowBlocks, kColumnBlocks>& scores,
                                         Sums<kRowBlocks, kOutputBlocks>& output) {
    float most[kRowBlocks][2];  // of this lane's quarter of the row
    bool grows = false;
#pragma unroll
    for (int m = 0; m < kRowBlocks; ++m) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        most[m][half] = maximum_of_lane(scores.block[m], half);
        grows = grows || most[m][half] > row_max_[m][half] + slack_;
      }
    }
    if (__any_sync(~0u, grows)) raise(most, output);
#pragma unroll
    for (int m = 0; m < kRowBlocks; ++m) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const float offset = exponent_.offset(row_max_[m][half]);
        float sum = row_sum_[m][half];
#pragma unroll
        for (int n = 0; n < kColumnBlocks; ++n) {
#pragma unroll
          for (int i = 0; i < 8; ++i) {
            if (row_half(i) != half * 8) continue;
            float& score = scores.block[m][n][i];
            score = exponent_.weight(score, offset);
            sum += score;
          }
        }
        row_sum_[m][half] = sum;
      }
    }
  }

  // The four lanes of a row held a quarter of its sum each.
  __device__ __forceinline__ void finish() {
#pragma unroll
    for (int m = 0; m < kRowBlocks; ++m) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        float& sum = row_sum_[m][half];
        sum += __shfl_xor_sync(~0u, sum, 1);
        sum += __shfl_xor_sync(~0u, sum, 2);
      }
    }
  }
  __device__ __forceinline__ float normalizer(int m, int half) const {
    return row_sum_[m][half] == 0.f ? 0.f : 1.f / row_sum_[m][half];
  }
  __device__ __forceinline__ float log_sum_exp(int m, int half) const {
    if (row_sum_[m][half] == 0.f) return -kInfinity;
    const float most = HAS_BIAS ? row_max_[m][half] : row_max_[m][half] * scale_;
    return most + ptx::log2(row_sum_[m][half]) * kLn2;
  }

 private:
  template <int kColumnBlocks>
  static __device__ __forceinline__ float maximum_of_lane(const float (&rows)[kColumnBlocks][8],
                                                          int half) {
    float most = -kInfinity;
#pragma unroll
    for (int n = 0; n < kColumnBlocks; ++n) {
#pragma unroll
      for (int i = 0; i < 8; ++i) {
        if (row_half(i) == half * 8) most = ptx::maximum(most, rows[n][i]);
      }
    }
    return most;
  }

  template <int kOutputBlocks>
  __device__ __forceinline__ void raise(const float (&most)[kRowBlocks][2],
                                        Sums<kRowBlocks, kOutputBlocks>& output) {
#pragma unroll
    for (int m = 0; m < kRowBlocks; ++m) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const float old_max = row_max_[m][half];
        float new_max = ptx::maximum(old_max, most[m][half]);
        new_max = ptx::maximum(new_max, __shfl_xor_sync(~0u, new_max, 1));
        new_max = ptx::maximum(new_max, __shfl_xor_sync(~0u, new_max, 2));
        const float shrink = exponent_.weight(old_max, exponent_.offset(new_max));
        row_max_[m][half] = new_max;
        row_sum_[m][half] *= shrink;
#pragma unroll
        for (int n = 0; n < kOutputBlocks; ++n) {
#pragma unroll
          for (int i = 0; i < 8; ++i) {
            if (row_half(i) == half * 8) output.block[m][n][i] *= shrink;
          }
        }
      }
    }
  }

  static constexpr float kSlack = 8.f;  // in powers of two; a weight of 2^8 is still far from 65504
  float scale_, slack_;                 // slack_ is kSlack in units of scores
  Exponent exponent_;
  float row_max_[kRowBlocks][2], row_sum_[kRowBlocks][2];
};
