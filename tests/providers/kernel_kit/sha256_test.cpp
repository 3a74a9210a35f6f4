#include "kernel_kit/sha256.h"

#include "support/catch.h"

namespace kernel_kit {
namespace {

// FIPS 180-4's examples, as NIST publishes them, and lengths around the block of 64 bytes.
TEST_CASE("SHA-256 gives the digests that FIPS 180-4 publishes", "[sha256]") {
  CHECK(sha256("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(sha256("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklm"
               "nopqrlmnopqrsmnopqrstnopqrstu") ==
        "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
  CHECK(sha256(std::string(1000000, 'a')) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("SHA-256 does not depend on how the bytes are cut up", "[sha256]") {
  for (const size_t length : {55, 56, 63, 64, 65, 119, 120, 128}) {
    const std::string bytes(length, 'x');
    Sha256 one_by_one;
    for (const char byte : bytes) one_by_one.add(std::string_view(&byte, 1));
    CHECK(one_by_one.hex() == sha256(bytes));
  }
}

TEST_CASE("fields of a key cannot run into each other", "[sha256]") {
  Sha256 first, second;
  first.add_field("ab");
  first.add_field("c");
  second.add_field("a");
  second.add_field("bc");
  CHECK(first.hex() != second.hex());
}

}  // namespace
}  // namespace kernel_kit
