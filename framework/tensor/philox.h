// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC11): random bits
// as a function of a counter, so that any element of any tensor can be drawn alone, in any order,
// on any device. Only 32-bit integer arithmetic: the same bits everywhere.
#pragma once

#include <array>
#include <cstdint>

namespace attnbench {

// `count` counters side by side, word by word, in place: in goes the counter, out come 128 random
// bits. The inner loop is what compilers turn into SIMD. constexpr: GPU code calls it, too.
template <int count>
struct PhiloxBlock {
  uint32_t words[4][count];
};

template <int count>
constexpr void philox4x32(PhiloxBlock<count>& block, std::array<uint32_t, 2> key) {
  auto& [x0, x1, x2, x3] = block.words;
  for (int round = 0; round < 10; ++round) {
    for (int lane = 0; lane < count; ++lane) {
      const uint64_t product0 = uint64_t{0xD2511F53} * x0[lane];
      const uint64_t product1 = uint64_t{0xCD9E8D57} * x2[lane];
      const uint32_t next0 = static_cast<uint32_t>(product1 >> 32) ^ x1[lane] ^ key[0];
      const uint32_t next2 = static_cast<uint32_t>(product0 >> 32) ^ x3[lane] ^ key[1];
      x0[lane] = next0;
      x1[lane] = static_cast<uint32_t>(product1);
      x2[lane] = next2;
      x3[lane] = static_cast<uint32_t>(product0);
    }
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
}

}  // namespace attnbench
