// SHA-256 (FIPS 180-4): names a kernel in the cache by all that made it. Not meant to keep secrets.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace kernel_kit {

class Sha256 {
 public:
  void add(std::string_view bytes);
  // A text of unambiguous length: add_field("ab"), add_field("c") is not add_field("a"), ("bc").
  void add_field(std::string_view text);
  std::string hex();  // 64 lower-case digits; nothing may be added afterwards

 private:
  void take_block(const unsigned char* block);

  std::array<uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<unsigned char, 64> pending_{};
  uint64_t num_bytes_ = 0;
};

std::string sha256(std::string_view bytes);

}  // namespace kernel_kit
