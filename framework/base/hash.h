// Two hashes with two jobs: SHA-256 identifies files and texts to the outside world; mix64 and
// hash_bytes make seeds and detect changed memory, where speed counts and nobody attacks.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace attnbench {

std::string sha256_of_text(std::string_view text);              // 64 lower-case hex digits
std::string sha256_of_file(const std::filesystem::path& path);  // throws Error if unreadable

// A bijection with good avalanche (splitmix64's finaliser). constexpr: GPU code calls it, too.
constexpr uint64_t mix64(uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}
uint64_t hash_bytes(std::span<const std::byte> bytes, uint64_t seed = 0);

}  // namespace attnbench
