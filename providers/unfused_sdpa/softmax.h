// What the host passes to the kernels of softmax.cu; both sides compile this file.
#pragma once

#include <cstdint>

namespace unfused_sdpa {

inline constexpr unsigned kThreads = 256;

// The (b, h, i) rows of a matrix of scores, one block of threads each. Matrices lie in the
// workspace: row r begins at r * pitch. `probabilities` and `score_gradients` have Q's type.
struct SoftmaxArguments {
  const float* products;  // Q K^T, without scale
  const void* bias;       // or null
  int64_t bias_strides[4];
  float* lse;  // forward writes it, or null; backward reads it
  int64_t lse_strides[3];
  const float* probability_gradients;  // dO V^T; backward only
  void* probabilities;
  void* score_gradients;  // backward only
  int64_t pitch;
  int32_t heads, rows, keys;
  int32_t is_causal;
  int64_t diagonal;  // row i sees keys up to i + diagonal
  float scale;
};

// DK or DV of one K head: the sum over the Q heads that share it.
struct SumArguments {
  const float* parts;  // (b, Q head, key, d), dense
  void* sum;
  int64_t sum_strides[3];  // of b, key, K head
  int32_t heads_kv, group, keys, head_dim;
  int64_t elements;  // of the sum
};

}  // namespace unfused_sdpa
