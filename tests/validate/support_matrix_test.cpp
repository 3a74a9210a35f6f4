#include "validate/support_matrix.h"

#include "support/catch.h"
#include "support/scratch.h"
#include "validate/course.h"

namespace attnbench {
namespace {

SupportRow support_of(const ProviderInfo& provider, const std::filesystem::path& work_in) {
  const std::atomic<bool> never_stopped = false;
  return find_support(provider, quick_run(work_in), never_stopped);
}

const SupportAnswer& answer(const SupportRow& row, const std::string& kind) {
  for (const SupportAnswer& candidate : row.answers) {
    if (candidate.kind == kind) return candidate;
  }
  throw std::runtime_error("nobody asked about " + kind);
}

}  // namespace

TEST_CASE("the matrix says what a provider takes", "[validate]") {
  const Scratch scratch;
  const SupportRow row = support_of(
      described(scratch.path(), {ATTNBENCH_BUILD_DIR "/lib/attnbench/providers"}, "cpu_reference"),
      scratch.path());
  CHECK(row.device == "cpu");
  for (const char* kind : {"dtype fp16", "layout bhsd", "bias 1h", "causal bottom_right", "gqa",
                           "head_dim 248", "bwd", "lse"}) {
    INFO(kind);
    CHECK(answer(row, kind).is_supported);
    CHECK(answer(row, kind).reason.empty());
  }
}

TEST_CASE("the matrix says why not, in the provider's words or for it", "[validate]") {
  const Scratch scratch;
  const std::vector<ProviderInfo> guests = guests_and_reference(scratch.path());
  const auto refuser = std::find_if(guests.begin(), guests.end(), [](const ProviderInfo& guest) {
    return guest.id == "guest_refuse";
  });
  REQUIRE(refuser != guests.end());
  const SupportRow row = support_of(*refuser, scratch.path());
  CHECK_FALSE(answer(row, "dtype fp32").is_supported);
  CHECK(answer(row, "dtype fp32").reason == "head_dim 16, at most 8 (fwd, 1002)");
  CHECK(answer(row, "dtype bf16").reason == "guest_refuse does not declare: bf16");
}

}  // namespace attnbench
