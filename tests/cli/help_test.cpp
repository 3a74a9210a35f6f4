#include <algorithm>

#include "base/text.h"
#include "cli/help_pages.h"
#include "model/outcome.h"
#include "report/terminal_text.h"
#include "support/catch.h"

namespace attnbench {
namespace {

std::string page(std::string_view topic) {
  for (const HelpPage& help : help_pages()) {
    if (help.topic == topic) return std::string(help.text);
  }
  return "";
}

}  // namespace

TEST_CASE("every help page fits a terminal and ends its last line", "[cli]") {
  REQUIRE_FALSE(help_pages().empty());
  for (const HelpPage& help : help_pages()) {
    CHECK(help.text.ends_with('\n'));
    for (const std::string& line : split(help.text, '\n')) {
      INFO(help.topic << ": " << line);
      CHECK(display_width(line) <= 100);
    }
  }
}

TEST_CASE("help explains every outcome, on the right side of the exit code", "[cli]") {
  const std::string text = page("outcomes");
  const size_t faults = text.find("\nFaults;");
  REQUIRE(faults != std::string::npos);
  for (const OutcomeTraits& traits : all_outcomes()) {
    INFO(traits.text);
    const size_t place = text.find("\n" + std::string(traits.text) + " ");
    REQUIRE(place != std::string::npos);
    CHECK((place < faults) == traits.is_answer);
  }
}

TEST_CASE("the first page names every other page", "[cli]") {
  for (const HelpPage& help : help_pages()) {
    INFO(help.topic);
    CHECK(page("attnbench").find(help.topic) != std::string::npos);
  }
}

}  // namespace attnbench
