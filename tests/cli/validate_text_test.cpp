#include "cli/validate_text.h"

#include <nlohmann/json.hpp>

#include "support/catch.h"

namespace attnbench {
namespace {

constexpr Check kMustCheck{"err-x", Level::contract, Severity::must, "does x", "x"};
constexpr Check kShouldCheck{"meta-y", Level::scan, Severity::should, "does y", "y"};

Validation mixed() {
  return {"p",
          "/p.provider.so",
          "cpu",
          {{&kMustCheck, CheckResult::fail, "returned 0"},
           {&kShouldCheck, CheckResult::warn, "an \x1b[31m escape"},
           {&kMustCheck, CheckResult::pass, ""},
           {&kMustCheck, CheckResult::skip, "no need"}}};
}

}  // namespace

TEST_CASE("a validation shows counts, then what did not pass", "[cli]") {
  CHECK(validation_text(mixed(), false, {}) ==
        "p on cpu: 1 pass, 1 fail, 1 warn, 1 skip\n"
        "  fail    must      err-x                    returned 0\n"
        "  warn    should    meta-y                   an  [31m escape\n");
}

TEST_CASE("a verbose validation shows what passed and why something was skipped", "[cli]") {
  const std::string text = validation_text(mixed(), true, {});
  CHECK(text.find("  pass    must      err-x                    does x\n") != std::string::npos);
  CHECK(text.find("  skip    must      err-x                    no need\n") != std::string::npos);
}

TEST_CASE("a validation as JSON has every check", "[cli]") {
  const Json json = to_json(mixed());
  REQUIRE(json["checks"].size() == 4);
  CHECK(json["checks"][0]["severity"] == "must");
  CHECK(json["checks"][1]["result"] == "warn");
}

TEST_CASE("the support matrix has a column for each provider and says why not", "[cli]") {
  const std::vector<SupportRow> rows = {
      {"a", "cpu", {{"gqa", true, ""}, {"bwd", false, "forward only"}}}, {"b", "", {}}};
  CHECK(matrix_text(rows, {}) ==
        "problem  a    b\n"
        "-------  ---  -\n"
        "gqa      yes  -\n"
        "bwd      no   -\n"
        "\n"
        "a, why not:\n"
        "  bwd: forward only\n"
        "\n"
        "b is usable on no device here\n");
}

}  // namespace attnbench
