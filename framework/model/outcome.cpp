#include "model/outcome.h"

#include <attnbench/provider.h>
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/text.h"

namespace attnbench {
namespace {

constexpr bool kAnswer = true;
constexpr bool kFault = false;

// In the order of the enum: traits_of indexes it.
constexpr OutcomeTraits kOutcomes[] = {
    {Outcome::ok, "ok", SentinelKind::none, kAnswer, "measured and verified"},
    {Outcome::out_of_memory, "out_of_memory", SentinelKind::execution, kAnswer,
     "the tensors or the workspace do not fit, even alone"},
    {Outcome::resource_exhausted, "resource_exhausted", SentinelKind::execution, kAnswer,
     "the kernel needs more shared memory, registers or blocks than the device has"},
    {Outcome::execution_failed, "execution_failed", SentinelKind::execution, kFault,
     "the provider reported a failure while executing"},
    {Outcome::timed_out, "timed_out", SentinelKind::execution, kFault, "a deadline passed"},
    {Outcome::crashed, "crashed", SentinelKind::execution, kFault,
     "the worker process died or exited"},
    {Outcome::wrong_result, "wrong_result", SentinelKind::execution, kFault,
     "an output differs from the fp64 reference by more than allowed"},
    {Outcome::implausible, "implausible", SentinelKind::execution, kFault,
     "faster than the device can be"},
    {Outcome::contract_violation, "contract_violation", SentinelKind::execution, kFault,
     "the provider broke a rule of the ABI"},
    {Outcome::internal_error, "internal_error", SentinelKind::execution, kFault,
     "a defect of the provider, or a status nobody knows"},
    {Outcome::protocol_error, "protocol_error", SentinelKind::execution, kFault,
     "the worker's answer could not be understood"},
    {Outcome::load_failed, "load_failed", SentinelKind::preparation, kFault,
     "the provider is not installed or cannot be loaded"},
    {Outcome::init_failed, "init_failed", SentinelKind::preparation, kFault,
     "the provider, the device or the inputs could not be set up"},
    {Outcome::compile_failed, "compile_failed", SentinelKind::preparation, kFault,
     "the kernel did not compile"},
    {Outcome::unsupported, "unsupported", SentinelKind::preparation, kAnswer,
     "the provider does not take this problem"},
    {Outcome::invalid_argument, "invalid_argument", SentinelKind::preparation, kFault,
     "the provider refused the request as malformed"},
    {Outcome::quarantined, "quarantined", SentinelKind::preparation, kFault,
     "skipped: its like killed too many workers"},
    {Outcome::not_run, "not_run", SentinelKind::preparation, kFault, "the run ended before it"}};

constexpr bool is_in_order_of_enum() {
  for (size_t i = 0; i < std::size(kOutcomes); ++i) {
    if (static_cast<size_t>(kOutcomes[i].outcome) != i) return false;
  }
  return std::size(kOutcomes) == static_cast<size_t>(Outcome::not_run) + 1;
}
static_assert(is_in_order_of_enum(), "kOutcomes lists each outcome once, in the enum's order");

}  // namespace

std::span<const OutcomeTraits> all_outcomes() {
  return kOutcomes;
}

const OutcomeTraits& traits_of(Outcome outcome) {
  return kOutcomes[static_cast<size_t>(outcome)];
}

std::string_view to_text(Outcome outcome) {
  return traits_of(outcome).text;
}

Outcome outcome_from_text(std::string_view text) {
  std::vector<std::string> valid;
  for (const OutcomeTraits& traits : kOutcomes) {
    if (traits.text == text) return traits.outcome;
    valid.emplace_back(traits.text);
  }
  throw Error(fmt::format("unknown outcome \"{}\"", text), suggest(text, valid));
}

Outcome outcome_of_status(int status) {
  if (status == ATTN_OK) return Outcome::ok;
  // Class 0 has no other member, and -999..-1 divide to 0 too.
  if (status < 1000) return Outcome::internal_error;
  if (status >= ATTN_HOST_LOAD_FAILED) return Outcome::contract_violation;
  switch (ATTN_CLASS(status)) {
    case ATTN_CLASS(ATTN_UNSUPPORTED):
      return Outcome::unsupported;
    case ATTN_CLASS(ATTN_INVALID_ARGUMENT):
      return Outcome::invalid_argument;
    case ATTN_CLASS(ATTN_OUT_OF_MEMORY):
      return Outcome::out_of_memory;
    case ATTN_CLASS(ATTN_RESOURCE_EXHAUSTED):
      return Outcome::resource_exhausted;
    case ATTN_CLASS(ATTN_COMPILE_FAILED):
      return Outcome::compile_failed;
    case ATTN_CLASS(ATTN_INIT_FAILED):
      return Outcome::init_failed;
    case ATTN_CLASS(ATTN_EXECUTION_FAILED):
      return Outcome::execution_failed;
    default:
      return Outcome::internal_error;
  }
}

std::string detail_of_status(int status) {
  constexpr EnumText<int> kDetails[] = {{ATTN_UNSUPPORTED_DTYPE, "dtype"},
                                        {ATTN_UNSUPPORTED_SHAPE, "shape"},
                                        {ATTN_UNSUPPORTED_LAYOUT, "layout"},
                                        {ATTN_UNSUPPORTED_DEVICE, "device"},
                                        {ATTN_UNSUPPORTED_FEATURE, "feature"},
                                        {ATTN_UNSUPPORTED_OPTIONS, "options"},
                                        {ATTN_UNSUPPORTED_DEPENDENCY, "dependency"},
                                        {ATTN_INVALID_OPTION, "option"},
                                        {ATTN_OUT_OF_HOST_MEMORY, "host-memory"},
                                        {ATTN_OUT_OF_DEVICE_MEMORY, "device-memory"},
                                        {ATTN_RESOURCE_SHARED_MEMORY, "shared-memory"},
                                        {ATTN_RESOURCE_REGISTERS, "registers"},
                                        {ATTN_RESOURCE_GRID, "grid"},
                                        {ATTN_EXECUTION_POISONED, "poisoned"}};
  for (const EnumText<int>& row : kDetails) {
    if (row.value == status) return std::string(row.text);
  }
  return fmt::format("status-{}", status);
}

double sentinel_ms(Outcome outcome, double median_ms, const Sentinels& sentinels) {
  switch (traits_of(outcome).sentinel) {
    case SentinelKind::none:
      return median_ms;
    case SentinelKind::execution:
      return sentinels.execution_ms;
    case SentinelKind::preparation:
      break;
  }
  return sentinels.preparation_ms;
}

}  // namespace attnbench
