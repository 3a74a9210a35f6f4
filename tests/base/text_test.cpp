#include "base/text.h"

#include "support/catch.h"

using namespace attnbench;

TEST_CASE("split keeps empty parts, and join is its inverse", "[text]") {
  CHECK(split("a,,b,", ',') == std::vector<std::string>{"a", "", "b", ""});
  CHECK(split("", ',') == std::vector<std::string>{""});
  CHECK(join(split("a,,b,", ','), ",") == "a,,b,");
  CHECK(join({}, ", ").empty());
}

TEST_CASE("trim takes blanks from both ends only", "[text]") {
  CHECK(trim(" \t a b \r\n") == "a b");
  CHECK(trim(" \n ").empty());
}

TEST_CASE("UTF-8 is valid only in its shortest form and within Unicode", "[text]") {
  CHECK(is_valid_utf8("plain, caf\xc3\xa9, \xe2\x82\xac, \xf0\x9f\x98\x80"));
  CHECK(is_valid_utf8("\xf4\x8f\xbf\xbf"));
  CHECK_FALSE(is_valid_utf8("\xf4\x90\x80\x80"));  // U+110000
  CHECK_FALSE(is_valid_utf8("\xc0\xaf"));          // '/' in two bytes
  CHECK_FALSE(is_valid_utf8("\xe0\x80\xaf"));      // '/' in three bytes
  CHECK_FALSE(is_valid_utf8("\xed\xa0\x80"));      // a surrogate
  CHECK_FALSE(is_valid_utf8("\x80"));              // a continuation alone
  CHECK_FALSE(is_valid_utf8("\xe2\x82"));          // cut off
  CHECK_FALSE(is_valid_utf8("\xff"));
}

TEST_CASE("a misspelt word finds what was meant", "[text]") {
  const std::vector<std::string> dtypes = {"fp16", "bf16", "fp32"};
  CHECK(closest_match("bf61", dtypes) == "bf16");  // a swap is one edit
  CHECK(closest_match("BF16", dtypes) == "bf16");
  CHECK(closest_match("f16", dtypes) == "fp16");
  CHECK(closest_match("fp166", dtypes) == "fp16");
  CHECK(closest_match("int8", dtypes) == std::nullopt);
  CHECK(closest_match("", dtypes) == std::nullopt);
  CHECK(closest_match("seqlen_vk", {"seqlen_q", "seqlen_kv"}) == "seqlen_kv");  // the nearer one
  CHECK(closest_match("provider", {}) == std::nullopt);
}

TEST_CASE("a suggestion is one word if one is close, else all of them", "[text]") {
  CHECK(suggest("bf61", {"fp16", "bf16"}) == "did you mean \"bf16\"?");
  CHECK(suggest("double", {"fp16", "bf16"}) == "valid ones: fp16, bf16");
  CHECK(suggest("x", {}) == "there are none");
}

TEST_CASE("bytes and seconds are written for people", "[text]") {
  CHECK(human_bytes(0) == "0 B");
  CHECK(human_bytes(1023) == "1023 B");
  CHECK(human_bytes(1536) == "1.5 KiB");
  CHECK(human_bytes(1024 * 1024 - 1) == "1.0 MiB");
  CHECK(human_bytes(~0ull) == "16.0 EiB");
  CHECK(human_seconds(0.04) == "0.0 s");
  CHECK(human_seconds(9.96) == "10 s");
  CHECK(human_seconds(59.7) == "1 min 0 s");
  CHECK(human_seconds(93.4) == "1 min 33 s");
  CHECK(human_seconds(3600 * 25 + 60 * 61) == "26 h 1 min");
  CHECK(human_seconds(-1) == "unknown");
}
