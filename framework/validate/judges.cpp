#include "validate/judges.h"

#include <fmt/format.h>

namespace attnbench {
namespace {

constexpr int kLargestClass = 8;

constexpr int kSuccess = 0;
constexpr int kMissingDependency = 1007;

int class_of(int status) {
  return status / 1000;
}

bool is_success(int status) {
  return status == kSuccess;
}

bool is_of_a_provider(const CallFact& call) {
  return is_success(call.status) ||
         (class_of(call.status) >= 1 && class_of(call.status) <= kLargestClass);
}

std::string words_of(const CallFact& call) {
  return call.message.empty() ? "" : fmt::format(" ({})", call.message);
}

// `wanted` in the words of `is_wanted`.
using IsWanted = bool (*)(int status);
std::string against_calls(const ContractReply& facts, IsWanted is_wanted, std::string_view wanted) {
  for (const CallFact& call : facts.calls) {
    if (!is_of_a_provider(call) || is_wanted(call.status)) continue;
    return fmt::format("{}: returned {}, not {}{}", call.what, call.status, wanted, words_of(call));
  }
  return "";
}

std::string against(const ContractReply& facts, IsWanted is_wanted, std::string_view wanted) {
  const std::string calls = against_calls(facts, is_wanted, wanted);
  return calls.empty() ? against_promises(facts) : calls;
}

bool is_invalid(int status) {
  return class_of(status) == 2;
}

}  // namespace

std::string against_promises(const ContractReply& facts) {
  for (const PromiseFact& promise : facts.promises) {
    if (!promise.is_kept) return "not so: " + promise.what;
  }
  return "";
}

std::string against_success(const ContractReply& facts) {
  return against(facts, is_success, "ATTN_OK");
}
std::string against_invalid(const ContractReply& facts) {
  return against(facts, is_invalid, "2xxx");
}
std::string against_unsupported(const ContractReply& facts) {
  return against(
      facts, [](int status) { return class_of(status) == 1; }, "1xxx");
}
std::string against_refusal(const ContractReply& facts) {
  return against(
      facts, [](int status) { return 1 <= class_of(status) && class_of(status) <= 2; },
      "1xxx or 2xxx");
}
std::string against_limits(const ContractReply& facts) {
  return against(
      facts, [](int status) { return 1 <= class_of(status) && class_of(status) <= 4; },
      "1xxx to 4xxx");
}
std::string against_overflow(const ContractReply& facts) {
  return against(
      facts,
      [](int status) {
        return is_success(status) || class_of(status) == 1 || class_of(status) == 4;
      },
      "ATTN_OK, 1xxx or 4xxx");
}
std::string against_starved(const ContractReply& facts) {
  return against(
      facts, [](int status) { return is_success(status) || class_of(status) == 3; },
      "ATTN_OK or 3xxx");
}
std::string against_uncached(const ContractReply& facts) {
  return against(
      facts,
      [](int status) {
        return is_success(status) || status == kMissingDependency || class_of(status) == 5 ||
               class_of(status) == 6;
      },
      "ATTN_OK, 1007, 5xxx or 6xxx");
}
std::string against_invalid_calls(const ContractReply& facts) {
  return against_calls(facts, is_invalid, "2xxx");
}
std::string against_failed_calls(const ContractReply& facts) {
  return against_calls(facts, is_success, "ATTN_OK");
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
