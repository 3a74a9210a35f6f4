// For each promise a provider that breaks it alone (tests/fixtures/sinners): validate must name
// that check and no other.
#include <set>

#include "support/catch.h"
#include "support/scratch.h"
#include "validate/course.h"

namespace attnbench {
namespace {

struct Sinner {
  const char* sin;
  const char* found;
};

constexpr Sinner kOfScan[] = {{"new_table_each_time", "abi-entry-stable fail"},
                              {"long_table", "abi-table-sizes fail"},
                              {"no_description", "abi-table-sizes fail"},
                              {"writes_in_probe", "scan-files warn"},
                              {"stays_loaded", "scan-unload warn"},
                              {"exported_symbol", "scan-exports warn"},
                              {"crash_without_device", "scan-no-device crash"},
                              {"odd_version", "meta-values warn"},
                              {"any_extension", "meta-extensions fail"},
                              {"id_prefix", "meta-unknown-id fail"}};

constexpr Sinner kOfRequests[] = {{"execute_fails", "life-one-pass fail"},
                                  {"takes_short_structs", "abi-older-caller fail"},
                                  {"refuses_long_structs", "abi-newer-caller fail"},
                                  {"ignores_tails", "abi-unknown-field fail"},
                                  {"ignores_features", "abi-unknown-meaning fail"},
                                  {"crash_on_null", "err-null-args crash"},
                                  {"hang_on_null", "err-null-args timeout"},
                                  {"takes_null", "err-null-args fail"},
                                  {"creates_id_prefix", "err-unknown-id fail"},
                                  {"leaves_answer", "err-null-answer fail"},
                                  {"overruns_message", "err-error-buffer fail"},
                                  {"takes_alignment_3", "err-odd-problems fail"},
                                  {"internal_on_huge", "err-huge-problems fail"},
                                  {"wrong_option_class", "err-options fail"},
                                  {"unnamed_option", "err-option-named fail"}};

constexpr Sinner kOfCalls[] = {{"takes_any_device", "err-bindings fail"},
                               {"takes_small_workspace", "err-workspace fail"},
                               {"wrong_after_error", "err-then-ok fail"},
                               {"crash_without_memory", "err-oom crash"},
                               {"internal_without_memory", "err-oom warn"},
                               {"trusts_cache", "err-compile crash"},
                               {"needs_cache", "err-compile warn"},
                               {"changing_info", "life-plan-info fail"},
                               {"unusable_options", "life-resolved-options fail"},
                               {"crash_on_destroy_null", "life-destroy-null crash"},
                               {"leaks_files", "life-many-plans warn"},
                               {"confused_by_two", "life-two-instances warn"},
                               {"supports_lies", "life-supports warn"},
                               {"refuses_late", "exec-what-is-planned fail"},
                               {"ignores_strides", "exec-strides fail"},
                               {"ignores_byte_offset", "exec-byte-offset fail"},
                               {"main_thread_only", "exec-thread fail"},
                               {"sets_environment", "manners-process fail"},
                               {"prints", "manners-silent warn"},
                               {"host_status", "err-status-class fail"},
                               {"silent", "err-message warn"}};

constexpr Sinner kOfNumerics[] = {{"wrong_forward", "num-forward fail"},
                                  {"writes_beyond", "num-bounds fail"},
                                  {"writes_inputs", "num-inputs fail"},
                                  {"writes_late", "num-late-write fail"},
                                  {"not_deterministic", "num-deterministic fail"},
                                  {"wrong_large_logits", "num-large-logits fail"},
                                  {"wrong_tiny_values", "num-tiny-values fail"},
                                  {"wrong_equal_values", "num-equal-values fail"},
                                  {"wrong_one_hot", "num-one-hot fail"},
                                  {"wrong_odd_lengths", "num-odd-lengths fail"},
                                  {"wrong_unequal_lengths", "num-unequal-lengths fail"},
                                  {"wrong_head_dim", "num-head-dims fail"},
                                  {"wrong_scale", "num-scale fail"},
                                  {"wrong_layout", "num-layout fail"},
                                  {"wrong_gqa", "num-gqa fail"},
                                  {"wrong_top_left", "num-causal-top-left fail"},
                                  {"wrong_bottom_right", "num-causal-bottom-right fail"},
                                  {"wrong_masked_rows", "num-masked-rows fail"},
                                  {"wrong_bias", "num-bias fail"},
                                  {"wrong_bias_masked", "num-bias-masked fail"},
                                  {"wrong_gradient", "num-backward fail"},
                                  {"wrong_slope", "num-finite-differences fail"}};

void check_sinners(std::span<const Sinner> sinners, Level level) {
  const Scratch scratch;
  for (const Sinner& sinner : sinners) {
    const ProviderInfo provider = described(scratch.path(), {ATTNBENCH_BUILD_DIR "/tests/sinners"},
                                            std::string("sinner_") + sinner.sin);
    const Validation validation = validated(provider, level, scratch.path());
    INFO(sinner.sin);
    for (const CheckOutcome& outcome : validation.outcomes) {
      if (!outcome.why.empty()) UNSCOPED_INFO(outcome.check->id << ": " << outcome.why);
    }
    CHECK(found_in(validation) == std::vector<std::string>{sinner.found});
    const bool is_warning = std::string_view(sinner.found).ends_with("warn");
    CHECK(validation.has_failure() != is_warning);
  }
}

}  // namespace

TEST_CASE("a sin that shows without a device is found by its own check alone", "[validate]") {
  check_sinners(kOfScan, Level::contract);
}

TEST_CASE("a request wrongly taken or refused is found by its own check alone", "[validate]") {
  check_sinners(kOfRequests, Level::contract);
}

TEST_CASE("a sin in executing or living on is found by its own check alone", "[validate]") {
  check_sinners(kOfCalls, Level::contract);
}

TEST_CASE("a wrong answer is found by the check of what is wrong with it", "[validate]") {
  check_sinners(kOfNumerics, Level::numerics);
}

TEST_CASE("the sound provider that the sinners are made of passes every check", "[validate]") {
  const Scratch scratch;
  const ProviderInfo provider =
      described(scratch.path(), {ATTNBENCH_BUILD_DIR "/tests/sinners"}, "sinner_none");
  const Validation validation = validated(provider, Level::numerics, scratch.path());
  CHECK(found_in(validation).empty());
  CHECK(validation.count(CheckResult::pass) > 50);
}

TEST_CASE("every check that a provider can break has a sinner", "[validate]") {
  std::set<std::string> sinned;
  for (const std::span<const Sinner> sinners :
       {std::span<const Sinner>(kOfScan), std::span<const Sinner>(kOfRequests),
        std::span<const Sinner>(kOfCalls), std::span<const Sinner>(kOfNumerics)}) {
    for (const Sinner& sinner : sinners) {
      const std::string found = sinner.found;
      sinned.insert(found.substr(0, found.find(' ')));
    }
  }
  for (const Check& check : all_checks()) {
    // How long loading takes is the machine's affair; the states of a file are in validate_test.
    if (check.group == kFromScan || check.id == "scan-loading") continue;
    if (check.id.starts_with(kGpuPrefix)) continue;  // tests/gpu/guest has theirs
    INFO(check.id);
    CHECK(sinned.contains(std::string(check.id)));
  }
}

}  // namespace attnbench
