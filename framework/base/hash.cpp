#include "base/hash.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium/crypto_hash_sha256.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/descriptor.h"
#include "base/error.h"

namespace attnbench {
namespace {

constexpr uint64_t kGoldenRatio = 0x9e3779b97f4a7c15;  // 2^64 / phi
constexpr uint64_t kOddMixer = 0x94d049bb133111eb;     // mix64's second factor

std::string finish_as_hex(crypto_hash_sha256_state& state) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> digest;
  crypto_hash_sha256_final(&state, digest.data());
  std::string hex;
  for (const unsigned char byte : digest) hex += fmt::format("{:02x}", byte);
  return hex;
}

// For a given lane a bijection of `word`, so one changed word always changes the lane. Multiplied
// on both sides of the rotation: with one product alone the top bit of a word could be made good by
// one other bit of the lane's next word (a test found it).
uint64_t absorb(uint64_t lane, uint64_t word) {
  return std::rotl(lane ^ (word * kGoldenRatio), 31) * kOddMixer;
}

}  // namespace

std::string sha256_of_text(std::string_view text) {
  crypto_hash_sha256_state state;
  crypto_hash_sha256_init(&state);
  crypto_hash_sha256_update(&state, reinterpret_cast<const unsigned char*>(text.data()),
                            text.size());
  return finish_as_hex(state);
}

std::string sha256_of_file(const std::filesystem::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) {
    throw Error(fmt::format("cannot open {}: {}", path.string(), std::strerror(errno)));
  }
  crypto_hash_sha256_state state;
  crypto_hash_sha256_init(&state);
  std::vector<unsigned char> chunk(1 << 18);
  while (true) {
    const ssize_t got = ::read(file.get(), chunk.data(), chunk.size());
    if (got == 0) return finish_as_hex(state);
    if (got > 0) {
      crypto_hash_sha256_update(&state, chunk.data(), static_cast<size_t>(got));
    } else if (errno != EINTR) {
      throw Error(fmt::format("cannot read {}: {}", path.string(), std::strerror(errno)));
    }
  }
}

uint64_t hash_bytes(std::span<const std::byte> bytes, uint64_t seed) {
  // Four lanes, so that the multiplications overlap: it reads about as fast as memory does.
  std::array<uint64_t, 4> lanes;
  for (size_t i = 0; i < lanes.size(); ++i) lanes[i] = mix64(seed + (i + 1) * kGoldenRatio);
  const size_t length = bytes.size();
  while (bytes.size() >= sizeof(lanes)) {
    std::array<uint64_t, 4> words;
    std::memcpy(words.data(), bytes.data(), sizeof(words));
    for (size_t i = 0; i < lanes.size(); ++i) lanes[i] = absorb(lanes[i], words[i]);
    bytes = bytes.subspan(sizeof(lanes));
  }
  std::array<uint64_t, 4> rest = {};
  if (!bytes.empty()) std::memcpy(rest.data(), bytes.data(), bytes.size());
  uint64_t hash = mix64(length);
  for (size_t i = 0; i < lanes.size(); ++i) hash = mix64(hash ^ absorb(lanes[i], rest[i]));
  return hash;
}

}  // namespace attnbench
