#include "validate/judges.h"

#include <fmt/format.h>

namespace attnbench {
namespace {

constexpr int kLargestClass = 8;

int class_of(const CallFact& call) {
  return call.status / 1000;
}

bool is_of_a_provider(const CallFact& call) {
  return call.status == 0 || (class_of(call) >= 1 && class_of(call) <= kLargestClass);
}

std::string words_of(const CallFact& call) {
  return call.message.empty() ? "" : fmt::format(" ({})", call.message);
}

std::string against_calls(const ContractReply& facts, int lowest_class, int highest_class,
                          std::string_view wanted) {
  for (const CallFact& call : facts.calls) {
    if (!is_of_a_provider(call)) continue;
    const bool is_in = call.status == 0
                           ? lowest_class == 0
                           : lowest_class <= class_of(call) && class_of(call) <= highest_class;
    if (is_in) continue;
    return fmt::format("{}: returned {}, not {}{}", call.what, call.status, wanted, words_of(call));
  }
  return "";
}

std::string against(const ContractReply& facts, int lowest_class, int highest_class,
                    std::string_view wanted) {
  const std::string calls = against_calls(facts, lowest_class, highest_class, wanted);
  return calls.empty() ? against_promises(facts) : calls;
}

}  // namespace

std::string against_promises(const ContractReply& facts) {
  for (const PromiseFact& promise : facts.promises) {
    if (!promise.is_kept) return "not so: " + promise.what;
  }
  return "";
}

std::string against_success(const ContractReply& facts) {
  return against(facts, 0, 0, "ATTN_OK");
}
std::string against_invalid(const ContractReply& facts) {
  return against(facts, 2, 2, "2xxx");
}
std::string against_unsupported(const ContractReply& facts) {
  return against(facts, 1, 1, "1xxx");
}
std::string against_refusal(const ContractReply& facts) {
  return against(facts, 1, 2, "1xxx or 2xxx");
}
std::string against_limits(const ContractReply& facts) {
  return against(facts, 1, 4, "1xxx to 4xxx");
}
std::string against_invalid_calls(const ContractReply& facts) {
  return against_calls(facts, 2, 2, "2xxx");
}

std::string against_classes(const ContractReply& facts) {
  for (const CallFact& call : facts.calls) {
    if (is_of_a_provider(call)) continue;
    return fmt::format("{}: returned {}, which is no provider's status", call.what, call.status);
  }
  return "";
}

std::string against_words(const ContractReply& facts) {
  for (const CallFact& call : facts.calls) {
    if (call.status == 0 || !call.message.empty()) continue;
    return fmt::format("{}: returned {} without a word", call.what, call.status);
  }
  return "";
}

}  // namespace attnbench
