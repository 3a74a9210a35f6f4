// The pattern of guard bands. Each byte depends on its position, so that neither a constant nor a
// copy of neighbouring data passes for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace attnbench {

inline constexpr uint64_t kGuardBytes = 4096;  // at least so many on either side

// `position`: of the band's first byte in its buffer.
void write_guard(std::span<std::byte> band, uint64_t position);
uint64_t count_guard_damage(std::span<const std::byte> band, uint64_t position);

}  // namespace attnbench
