// The softmax between the GEMMs, and its derivative: one block of threads per row of scores, fp32
// inside. The row is read twice instead of kept: it may be longer than registers hold, and the second
// read comes out of a cache.
//
// Compiled to PTX at build time; extern "C", so that the driver finds the kernels by name.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "softmax.h"

namespace unfused_sdpa {
namespace {

constexpr int kVector = 4;  // elements a thread takes at a time: 16 bytes of fp32
constexpr int kWarps = kThreads / 32;
constexpr float kLog2E = 1.4426950408889634f;
// Not the INFINITY of math.h: its conversion warns.
__device__ float negative_infinity() {
  return __int_as_float(0xff800000);
}

__device__ float to_float(__half value) {
  return __half2float(value);
}
__device__ float to_float(__nv_bfloat16 value) {
  return __bfloat162float(value);
}
template <typename Element>
__device__ Element from_float(float value) {
  if constexpr (sizeof(Element) == sizeof(__half) && __is_same(Element, __half)) {
    return __float2half_rn(value);
  } else {
    return __float2bfloat16_rn(value);
  }
}

struct Sum {
  __device__ static float combine(float a, float b) { return a + b; }
};
struct Maximum {
  __device__ static float combine(float a, float b) { return fmaxf(a, b); }
};

// The same answer for all threads of the block.
template <typename Operation>
__device__ float over_block(float value, float neutral) {
  __shared__ float of_warp[kWarps];
  for (int distance = 16; distance > 0; distance /= 2) {
    value = Operation::combine(value, __shfl_xor_sync(0xffffffffu, value, distance));
  }
  __syncthreads();  // a call before this one may still be reading
  if (threadIdx.x % 32 == 0) of_warp[threadIdx.x / 32] = value;
  __syncthreads();
  value = neutral;
  for (int warp = 0; warp < kWarps; ++warp) value = Operation::combine(value, of_warp[warp]);
  return value;
}

// One row of scores: where it lies and which of its keys are seen.
template <typename Element>
struct Row {
  int64_t offset;  // in the matrices of the workspace
  const float* products;
  const Element* bias;
  int64_t bias_stride;
  float* lse;
  int keys, keys_seen;
  float scale;

  __device__ explicit Row(const SoftmaxArguments& a) {
    const int64_t row = blockIdx.x;
    const int64_t i = row % a.rows;
    const int64_t h = row / a.rows % a.heads;
    const int64_t b = row / a.rows / a.heads;
    offset = row * a.pitch;
    products = a.products + offset;
    bias = static_cast<const Element*>(a.bias);
    if (bias) bias += b * a.bias_strides[0] + h * a.bias_strides[1] + i * a.bias_strides[2];
    bias_stride = a.bias_strides[3];
    lse = a.lse;
    if (lse) lse += b * a.lse_strides[0] + h * a.lse_strides[1] + i * a.lse_strides[2];
    keys = a.keys;
    const int64_t last_seen = i + a.diagonal;
    keys_seen = !a.is_causal || last_seen >= keys - 1 ? keys : last_seen < 0 ? 0 : last_seen + 1;
    scale = a.scale;
  }

  // The scores of keys j to j + 3. The row has padding behind it, so that it can be read whole.
  __device__ void scores(int j, float (&s)[kVector]) const {
    const float4 four = *reinterpret_cast<const float4*>(products + j);
    const float product[kVector] = {four.x, four.y, four.z, four.w};
    for (int e = 0; e < kVector; ++e) {
      s[e] = negative_infinity();
      if (j + e >= keys_seen) continue;
      s[e] = product[e] * scale;
      if (bias) s[e] += to_float(bias[(j + e) * bias_stride]);
    }
  }
};

template <typename Element>
__device__ void store(void* matrix, int64_t offset, int j, const float (&values)[kVector]) {
  struct alignas(8) Pack {
    Element elements[kVector];
  } pack;
  for (int e = 0; e < kVector; ++e) pack.elements[e] = from_float<Element>(values[e]);
  *reinterpret_cast<Pack*>(static_cast<Element*>(matrix) + offset + j) = pack;
}

template <typename Element>
__device__ void forward(const SoftmaxArguments& a) {
  const Row<Element> row(a);
  float maximum = negative_infinity();
  float sum = 0;  // of exp(score - maximum)
  for (int j = threadIdx.x * kVector; j < row.keys_seen; j += kThreads * kVector) {
    float s[kVector];
    row.scores(j, s);
    const float higher = fmaxf(maximum, fmaxf(fmaxf(s[0], s[1]), fmaxf(s[2], s[3])));
    if (higher == negative_infinity()) continue;
    sum *= exp2f((maximum - higher) * kLog2E);
    for (int e = 0; e < kVector; ++e) sum += exp2f((s[e] - higher) * kLog2E);
    maximum = higher;
  }
  const float row_maximum = over_block<Maximum>(maximum, negative_infinity());
  const bool is_empty = row_maximum == negative_infinity();
  const float share = is_empty || sum == 0 ? 0 : sum * exp2f((maximum - row_maximum) * kLog2E);
  const float row_sum = over_block<Sum>(share, 0);
  const float inverse = is_empty ? 0 : 1 / row_sum;
  if (row.lse && threadIdx.x == 0) {
    *row.lse = is_empty ? negative_infinity() : row_maximum + logf(row_sum);
  }
  for (int j = threadIdx.x * kVector; j < row.keys; j += kThreads * kVector) {
    float p[kVector] = {0, 0, 0, 0};
    if (!is_empty && j < row.keys_seen) {
      row.scores(j, p);
      for (int e = 0; e < kVector; ++e) p[e] = exp2f((p[e] - row_maximum) * kLog2E) * inverse;
    }
    store<Element>(a.probabilities, row.offset, j, p);
  }
}

// P from the scores and LSE; then dS = P (dP - sum of P dP), without the scale, which the GEMMs
// behind apply: unscaled, fewer of its small values are lost in 16 bits.
template <typename Element>
__device__ void backward(const SoftmaxArguments& a) {
  const Row<Element> row(a);
  const float lse = *row.lse;
  const bool is_empty = lse == negative_infinity();
  const float* gradients = a.probability_gradients + row.offset;
  float sum = 0;
  for (int j = threadIdx.x * kVector; !is_empty && j < row.keys_seen; j += kThreads * kVector) {
    float s[kVector];
    row.scores(j, s);
    for (int e = 0; e < kVector; ++e) {
      if (j + e < row.keys_seen) sum += exp2f((s[e] - lse) * kLog2E) * gradients[j + e];
    }
  }
  const float row_sum = over_block<Sum>(sum, 0);
  for (int j = threadIdx.x * kVector; j < row.keys; j += kThreads * kVector) {
    float p[kVector] = {0, 0, 0, 0};
    float d_s[kVector] = {0, 0, 0, 0};
    if (!is_empty && j < row.keys_seen) {
      row.scores(j, p);
      for (int e = 0; e < kVector; ++e) {
        p[e] = exp2f((p[e] - lse) * kLog2E);
        if (j + e < row.keys_seen) d_s[e] = p[e] * (gradients[j + e] - row_sum);
      }
    }
    store<Element>(a.probabilities, row.offset, j, p);
    store<Element>(a.score_gradients, row.offset, j, d_s);
  }
}

template <typename Element>
__device__ void sum_groups(const SumArguments& a) {
  const int64_t stride = int64_t{gridDim.x} * blockDim.x;
  for (int64_t n = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; n < a.elements; n += stride) {
    const int64_t d = n % a.head_dim;
    const int64_t key = n / a.head_dim % a.keys;
    const int64_t h = n / a.head_dim / a.keys % a.heads_kv;
    const int64_t b = n / a.head_dim / a.keys / a.heads_kv;
    const int64_t per_head = int64_t{a.keys} * a.head_dim;
    const float* part = a.parts + (b * a.heads_kv + h) * a.group * per_head + key * a.head_dim + d;
    float sum = 0;
    for (int g = 0; g < a.group; ++g) sum += part[g * per_head];
    static_cast<Element*>(
        a.sum)[b * a.sum_strides[0] + key * a.sum_strides[1] + h * a.sum_strides[2] + d] =
        from_float<Element>(sum);
  }
}

}  // namespace

extern "C" {
__global__ void softmax_fp16(SoftmaxArguments a) {
  forward<__half>(a);
}
__global__ void softmax_bf16(SoftmaxArguments a) {
  forward<__nv_bfloat16>(a);
}
__global__ void softmax_backward_fp16(SoftmaxArguments a) {
  backward<__half>(a);
}
__global__ void softmax_backward_bf16(SoftmaxArguments a) {
  backward<__nv_bfloat16>(a);
}
__global__ void sum_groups_fp16(SumArguments a) {
  sum_groups<__half>(a);
}
__global__ void sum_groups_bf16(SumArguments a) {
  sum_groups<__nv_bfloat16>(a);
}
}  // extern "C"

}  // namespace unfused_sdpa
