// Kernels that only the tests need: work of known duration or traffic, and a bad one.
#include <cstdint>

extern "C" {

__global__ void spin_for(uint64_t nanoseconds) {
  uint64_t start, now;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(start));
  do {
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
  } while (now - start < nanoseconds);
}

// Reads all of it; `sink` is never written, but the compiler cannot know.
__global__ void read_all(const uint4* memory, int64_t count, uint32_t* sink) {
  const int64_t threads = int64_t{gridDim.x} * blockDim.x;
  uint32_t mix = 0;
#pragma unroll 8
  for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += threads) {
    const uint4 line = memory[i];
    mix ^= line.x ^ line.y ^ line.z ^ line.w;
  }
  if (mix == 0x9e3779b9) *sink = mix;
}

__global__ void write_byte(unsigned char* address, unsigned char value) {
  *address = value;
}

}  // extern "C"
