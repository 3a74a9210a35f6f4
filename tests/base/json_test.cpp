#include "base/json.h"

#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "support/catch.h"

using namespace attnbench;

TEST_CASE("text that is no JSON is an error that says where", "[json]") {
  CHECK_THROWS_WITH(parse_json("{\"a\": }", "results.jsonl:14"),
                    Catch::StartsWith("results.jsonl:14: not JSON"));
  CHECK_THROWS_AS(parse_json("[1e999]", "x"), Error);
  CHECK_THROWS_AS(parse_json("", "x"), Error);
}

TEST_CASE("JSON that is nested too deep to be copied is an error", "[json]") {
  const std::string brackets(1000000, '[');
  CHECK_THROWS_WITH(parse_json(brackets, "x"), Catch::Contains("nested more than 100 deep"));
  CHECK_THROWS_WITH(parse_json("[\"\\\"\", " + brackets, "x"), Catch::Contains("nested"));
  CHECK(parse_json("[\"" + brackets + "\\\"" + brackets + "\", [[]], {}]", "x").size() == 3);
}

TEST_CASE("keys keep their order, and what is not UTF-8 or not finite still has a line", "[json]") {
  const Json json = {{"z", 1}, {"a", "caf\xff"}, {"n", finite_or_null(0.0 / 0.0)}};
  CHECK(dump_json(json) == "{\"z\":1,\"a\":\"caf\xef\xbf\xbd\",\"n\":null}");
  CHECK(finite_or_null(-std::numeric_limits<double>::infinity()).is_null());
  CHECK(finite_or_null(0.25) == Json(0.25));
}

TEST_CASE("a field that is missing or of another type is named", "[json]") {
  const Json json = parse_json(R"({"i": 1.0, "f": 3, "s": null, "big": 18446744073709551615,
                                   "list": [1, "x"], "minus": -1})",
                               "x");
  JsonFields fields(json, "trial");
  CHECK_THROWS_WITH(fields.text("gone"), "trial: \"gone\" is missing");
  CHECK_THROWS_WITH(fields.integer("i"), "trial: \"i\" must be a whole number of 64 bits, got 1.0");
  CHECK_THROWS_AS(fields.integer("big"), Error);
  CHECK(fields.unsigned_integer("big") == std::numeric_limits<uint64_t>::max());
  CHECK_THROWS_AS(fields.unsigned_integer("minus"), Error);
  CHECK_THROWS_AS(fields.text("s"), Error);
  CHECK_THROWS_AS(fields.integers("list"), Error);
  CHECK(fields.number("f") == 3.0);
  CHECK(fields.text_or("s", "fallback") == "fallback");
  CHECK(fields.integer_or("gone", 7) == 7);
  CHECK_THROWS_AS(fields.integer_or("list", 7), Error);
  CHECK_THROWS_AS(JsonFields(json["list"], "trial"), Error);
}

TEST_CASE("a key that nobody asked for is refused, with what was meant", "[json]") {
  const Json json = {{"batch", 1}, {"haeds", 2}};
  JsonFields fields(json, "problem");
  fields.integer("batch");
  fields.has("heads");
  try {
    fields.finish();
    FAIL("a misspelt key was ignored");
  } catch (const Error& error) {
    CHECK(error.line() == "problem: unknown key \"haeds\" -- did you mean \"heads\"?");
  }
}

TEST_CASE("an enum's spelling is looked up in its table", "[json]") {
  enum class Fruit { apple, pear };
  constexpr EnumText<Fruit> kFruits[] = {{Fruit::apple, "apple"}, {Fruit::pear, "pear"}};
  const Json json = {{"good", "pear"}, {"bad", "paer"}};
  JsonFields fields(json, "bowl");
  CHECK((fields.choice("good", kFruits) == Fruit::pear));
  CHECK_THROWS_WITH(fields.choice("bad", kFruits), "bowl: unknown bad \"paer\"");
}
