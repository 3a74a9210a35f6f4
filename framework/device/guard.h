// The pattern of guard bands. Each byte depends on its position, so that neither a constant nor a
// copy of neighbouring data passes for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/hash.h"

namespace attnbench {

inline constexpr uint64_t kGuardBytes = 4096;  // at least so many on either side

// constexpr: GPU code calls it, too.
constexpr unsigned char guard_byte(uint64_t position) {
  return static_cast<unsigned char>(mix64(position / 8) >> (8 * (position % 8)));
}

// `position`: of the band's first byte in its buffer.
void write_guard(std::span<std::byte> band, uint64_t position);
uint64_t count_guard_damage(std::span<const std::byte> band, uint64_t position);

}  // namespace attnbench
