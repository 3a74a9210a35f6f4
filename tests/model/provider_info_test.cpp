#include "model/provider_info.h"

#include <attnbench/provider.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "support/catch.h"

using namespace attnbench;

namespace {

ProviderInfo sample_info() {
  ProviderInfo info;
  info.path = "/opt/p.provider.so";
  info.sha256 = "ab";
  info.id = "p";
  info.name = "A \"quoted\" name";
  info.abi = "1.0";
  info.device_types = {"cpu"};
  info.dtypes = {"fp16", "fp32"};
  info.features = {"bwd"};
  info.options = {
      {"block_q", "Rows of Q.", "int", {int64_t{64}, int64_t{128}}, 0, 0, int64_t{64}, true, true},
      {"kind", "How.", "string", {std::string("a")}, 0, 0, std::string("a"), false},
      {"ratio", "How much.", "float", {}, 0.5, INFINITY, 1.0, false}};
  info.usable = {{"cpu", 50, ""}, {"cuda:0", 0, "no such device"}};
  return info;
}

}  // namespace

TEST_CASE("what is known of a provider survives JSON", "[provider_info]") {
  const Json json = to_json(sample_info());
  const ProviderInfo back = provider_info_from_json(parse_json(dump_json(json), "test"));
  CHECK(to_json(back) == json);
  CHECK(back.name == sample_info().name);
  CHECK(back.options[0].choices == sample_info().options[0].choices);
  CHECK(back.options[0].is_compile_time);
  CHECK_FALSE(back.options[1].is_compile_time);
  CHECK(back.options[2].max == std::numeric_limits<double>::infinity());
  CHECK(back.usable[1].reason == "no such device");
}

TEST_CASE("an option of a run of before, which did not know what is compiled in, is read",
          "[provider_info]") {
  Json json = to_json(sample_info());
  for (Json& option : json["options"]) option.erase("is_compile_time");
  CHECK_FALSE(provider_info_from_json(json).options[0].is_compile_time);
}

TEST_CASE("a broken library's row survives JSON", "[provider_info]") {
  ProviderInfo info;
  info.state = LibraryState::missing_dependency;
  info.reason = "libfoo.so.1 is missing";
  const ProviderInfo back = provider_info_from_json(to_json(info));
  CHECK((back.state == LibraryState::missing_dependency));
  CHECK(back.reason == info.reason);
}

TEST_CASE("usable means a score above 0 on that very device", "[provider_info]") {
  CHECK(sample_info().is_usable_on("cpu"));
  CHECK_FALSE(sample_info().is_usable_on("cuda:0"));
  CHECK_FALSE(sample_info().is_usable_on("cuda:1"));
}

TEST_CASE("an option is found by name, or not declared", "[provider_info]") {
  const ProviderInfo info = sample_info();
  REQUIRE(info.find_option("ratio") != nullptr);
  CHECK(info.find_option("ratio")->type == "float");
  CHECK(info.find_option("block_k") == nullptr);
}

TEST_CASE("feature bits have names, unknown ones their number", "[provider_info]") {
  CHECK(feature_names(ATTN_FEATURE_BWD | ATTN_FEATURE_CAUSAL | ATTN_FEATURE_DBIAS) ==
        std::vector<std::string>{"causal", "bwd", "dbias"});
  CHECK(feature_names(uint64_t{1} << 40 | ATTN_FEATURE_ESCAPE) ==
        std::vector<std::string>{"bit40", "escape"});
  CHECK(feature_names(0).empty());
}

TEST_CASE("garbage in place of lists is refused, not read", "[provider_info]") {
  for (const char* key : {"options", "usable", "dtypes"}) {
    for (const Json& value : {Json(7), Json("x"), Json({1, 2}), Json(nullptr)}) {
      Json bad = to_json(sample_info());
      bad[key] = value;
      CHECK_THROWS_AS(provider_info_from_json(bad), Error);
    }
  }
}
