#include "device/guard.h"

namespace attnbench {

void write_guard(std::span<std::byte> band, uint64_t position) {
  for (std::byte& byte : band) byte = std::byte{guard_byte(position++)};
}

uint64_t count_guard_damage(std::span<const std::byte> band, uint64_t position) {
  uint64_t damaged_bytes = 0;
  for (const std::byte byte : band)
    damaged_bytes += byte != std::byte{guard_byte(position++)} ? 1 : 0;
  return damaged_bytes;
}

}  // namespace attnbench
