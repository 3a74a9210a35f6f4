// A small forward pass and what a bad guest does beside it.
#include <cuda_fp16.h>

#include <cstdint>

struct Forward {
  const __half *q, *k, *v;
  __half* o;
  int64_t q_strides[3], kv_strides[3];  // batch, sequence, head; O as Q, V as K
  int seqlen_kv, head_dim, queries_per_kv_head;
  float scale;
};

__device__ float sum_over_block(float value) {
  __shared__ float parts[128];
  parts[threadIdx.x] = value;
  __syncthreads();
  for (unsigned half = 64; half > 0; half /= 2) {
    if (threadIdx.x < half) parts[threadIdx.x] += parts[threadIdx.x + half];
    __syncthreads();
  }
  const float sum = parts[0];
  __syncthreads();
  return sum;
}

extern "C" {

// A block of 128 threads per (query, head, batch); scores of at most 4096 keys in shared memory.
__global__ void forward(const Forward pass) {
  __shared__ float scores[4096];
  __shared__ float largest;
  const int64_t query = blockIdx.z * pass.q_strides[0] + blockIdx.x * pass.q_strides[1] +
                        blockIdx.y * pass.q_strides[2];
  const int64_t keys =
      blockIdx.z * pass.kv_strides[0] + blockIdx.y / pass.queries_per_kv_head * pass.kv_strides[2];
  for (int j = threadIdx.x; j < pass.seqlen_kv; j += blockDim.x) {
    float score = 0.0f;
    for (int d = 0; d < pass.head_dim; ++d) {
      score +=
          __half2float(pass.q[query + d]) * __half2float(pass.k[keys + j * pass.kv_strides[1] + d]);
    }
    scores[j] = score * pass.scale;
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    largest = scores[0];
    for (int j = 1; j < pass.seqlen_kv; ++j) largest = fmaxf(largest, scores[j]);
  }
  __syncthreads();
  float sum = 0.0f;
  for (int j = threadIdx.x; j < pass.seqlen_kv; j += blockDim.x) {
    scores[j] = __expf(scores[j] - largest);
    sum += scores[j];
  }
  sum = sum_over_block(sum);
  for (int d = threadIdx.x; d < pass.head_dim; d += blockDim.x) {
    float value = 0.0f;
    for (int j = 0; j < pass.seqlen_kv; ++j) {
      value += scores[j] * __half2float(pass.v[keys + j * pass.kv_strides[1] + d]);
    }
    pass.o[query + d] = __float2half(value / sum);
  }
}

__global__ void write_to_nowhere() {
  *reinterpret_cast<volatile int*>(uintptr_t{64}) = 1;
}

__global__ void never_end(const int* zero) {
  while (*reinterpret_cast<const volatile int*>(zero) == 0) {
  }
}

__global__ void write_one(unsigned char* address) {
  *address ^= 0x55;
}

__global__ void delay(uint64_t nanoseconds) {
  uint64_t start, now;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(start));
  do {
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
  } while (now - start < nanoseconds);
}

}  // extern "C"
