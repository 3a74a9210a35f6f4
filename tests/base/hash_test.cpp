#include "base/hash.h"

#include <cstring>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "support/catch.h"
#include "support/scratch.h"

using namespace attnbench;

TEST_CASE("SHA-256 gives the digests of FIPS 180-4", "[hash]") {
  CHECK(sha256_of_text("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256_of_text("abc") ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256_of_text(std::string(1000000, 'a')) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("a file has the hash of its text, over many chunks too", "[hash]") {
  const Scratch scratch;
  const std::string text(1000000, 'x');
  replace_file(scratch / "file", text);
  CHECK(sha256_of_file(scratch / "file") == sha256_of_text(text));
  CHECK_THROWS_AS(sha256_of_file(scratch / "missing"), Error);
  CHECK_THROWS_AS(sha256_of_file(scratch.path()), Error);  // a directory
}

TEST_CASE("hash_bytes notices every single changed bit, length and seed", "[hash]") {
  for (const size_t length : {1, 7, 8, 31, 32, 33, 100}) {
    std::vector<std::byte> bytes(length);
    std::set<uint64_t> seen = {hash_bytes(bytes), hash_bytes(bytes, 1)};
    for (size_t bit = 0; bit < 8 * length; ++bit) {
      const std::byte mask = std::byte{1} << (bit % 8);
      bytes[bit / 8] ^= mask;
      seen.insert(hash_bytes(bytes));
      bytes[bit / 8] ^= mask;
    }
    bytes.push_back(std::byte{0});
    seen.insert(hash_bytes(bytes));
    CHECK(seen.size() == 8 * length + 3);
  }
}

TEST_CASE("hash_bytes notices swapped words", "[hash]") {
  std::vector<uint64_t> words = {1, 2, 3, 4, 5, 6, 7, 8};
  const uint64_t before = hash_bytes(std::as_bytes(std::span(words)));
  std::swap(words[0], words[4]);  // one lane
  CHECK(hash_bytes(std::as_bytes(std::span(words))) != before);
  std::swap(words[0], words[4]);
  std::swap(words[0], words[1]);  // two lanes
  CHECK(hash_bytes(std::as_bytes(std::span(words))) != before);
}

TEST_CASE("mix64 spreads neighbours: half the bits change", "[hash]") {
  int changed = 0;
  for (uint64_t i = 0; i < 1000; ++i) changed += std::popcount(mix64(i) ^ mix64(i + 1));
  CHECK(changed / 1000.0 == Approx(32).margin(1));
}
