#include "support/catch.h"
#include "support/scratch.h"
#include "validate/course.h"

namespace attnbench {
namespace {

ProviderInfo broken(LibraryState state) {
  ProviderInfo provider;
  provider.path = "/somewhere/wip.provider.so";
  provider.state = state;
  provider.reason = "the reason";
  return provider;
}

}  // namespace

TEST_CASE("a file that is no provider fails one check, and nothing more is asked", "[validate]") {
  const Scratch scratch;
  const std::pair<LibraryState, std::string> expected[] = {
      {LibraryState::not_elf, "abi-elf fail"},
      {LibraryState::truncated, "abi-elf fail"},
      {LibraryState::wrong_architecture, "abi-elf fail"},
      {LibraryState::missing_dependency, "abi-load fail"},
      {LibraryState::load_failed, "abi-load fail"},
      {LibraryState::crashed, "abi-load crash"},
      {LibraryState::hung, "abi-load timeout"},
      {LibraryState::missing_entry, "abi-entry fail"},
      {LibraryState::abi_too_old, "abi-version fail"},
      {LibraryState::abi_too_new, "abi-version fail"},
      {LibraryState::bad_table, "abi-table fail"}};
  for (const auto& [state, found] : expected) {
    const Validation validation = validated(broken(state), Level::numerics, scratch.path());
    CHECK(found_in(validation) == std::vector<std::string>{found});
    CHECK(validation.provider == "wip.provider.so");
    CHECK(validation.outcomes.back().result == CheckResult::skip);
    CHECK(validation.outcomes.size() == all_checks().size());
  }
}

TEST_CASE("a provider that is usable nowhere here is scanned and no more", "[validate]") {
  const Scratch scratch;
  ProviderInfo provider =
      described(scratch.path(), {ATTNBENCH_BUILD_DIR "/lib/attnbench/providers"}, "cpu_reference");
  provider.usable = {{"cpu", 0, "not today"}};
  const Validation validation = validated(provider, Level::contract, scratch.path());
  CHECK(found_in(validation).empty());
  for (const CheckOutcome& outcome : validation.outcomes) {
    INFO(outcome.check->id);
    const bool is_of_scan = outcome.check->level == Level::scan;
    CHECK((outcome.why == "it is usable on no device of this machine") == !is_of_scan);
  }
}

TEST_CASE("only the checks that are wanted are reported", "[validate]") {
  const Scratch scratch;
  ValidateSettings settings;
  settings.run = quick_run(scratch.path());
  settings.is_wanted = [](std::string_view id) { return id == "err-bindings"; };
  const std::atomic<bool> never_stopped = false;
  const Validation validation = validate(
      described(scratch.path(), {ATTNBENCH_BUILD_DIR "/lib/attnbench/providers"}, "cpu_reference"),
      settings, never_stopped);
  REQUIRE(validation.outcomes.size() == 1);
  CHECK(validation.outcomes[0].check->id == "err-bindings");
  CHECK(validation.outcomes[0].result == CheckResult::pass);
}

TEST_CASE("ids of checks are kebab-case and each is there once", "[validate]") {
  std::vector<std::string_view> seen;
  for (const Check& check : all_checks()) {
    INFO(check.id);
    CHECK(check.id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") ==
          std::string_view::npos);
    CHECK(std::find(seen.begin(), seen.end(), check.id) == seen.end());
    seen.push_back(check.id);
  }
}

}  // namespace attnbench
