#include "device/cache_flush.h"

#if defined(__x86_64__)
#include <immintrin.h>
#else
#include <vector>
#endif

namespace attnbench {

#if defined(__x86_64__)

void flush_cache_lines(std::span<const std::byte> memory) {
  constexpr size_t kLineBytes = 64;
  for (size_t i = 0; i < memory.size(); i += kLineBytes) _mm_clflush(memory.data() + i);
  // The last line starts before the end but may not have been hit if memory starts inside a line.
  if (!memory.empty()) _mm_clflush(memory.data() + memory.size() - 1);
  _mm_mfence();
}

#else

void flush_cache_lines(std::span<const std::byte>) {
  std::vector<unsigned char> sweep(64u << 20);
  for (unsigned char& byte : sweep) *const_cast<volatile unsigned char*>(&byte) = byte + 1;
}

#endif

}  // namespace attnbench
