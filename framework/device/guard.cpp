#include "device/guard.h"

#include "base/hash.h"

namespace attnbench {
namespace {

std::byte guard_byte(uint64_t position) {
  return static_cast<std::byte>(mix64(position / 8) >> (8 * (position % 8)));
}

}  // namespace

void write_guard(std::span<std::byte> band, uint64_t position) {
  for (std::byte& byte : band) byte = guard_byte(position++);
}

uint64_t count_guard_damage(std::span<const std::byte> band, uint64_t position) {
  uint64_t damaged_bytes = 0;
  for (const std::byte byte : band) damaged_bytes += byte != guard_byte(position++) ? 1 : 0;
  return damaged_bytes;
}

}  // namespace attnbench
