#include "provider/error_record.h"

#include <fmt/format.h>

#include <cstring>

namespace attnbench {

CallFailure::CallFailure(int returned, const std::string& message, int domain, int code)
    : std::runtime_error(message),
      outcome(outcome_of_status(returned)),
      status(returned),
      native_domain(domain),
      native_code(code),
      is_poisoned(returned == ATTN_EXECUTION_POISONED) {}

ErrorRecord::ErrorRecord() {
  record_.struct_size = ATTN_SIZE_TO(attn_error, message_length);
  record_.message = text_.data();
  record_.message_capacity = static_cast<uint32_t>(text_.size());
}

std::string ErrorRecord::text() const {
  return {text_.data(), strnlen(text_.data(), text_.size())};
}

CallFailure ErrorRecord::failure(attn_status status) const {
  std::string message = text();
  if (message.empty())
    message = fmt::format("the provider returned status {} without a word", status);
  if (outcome_of_status(status) == Outcome::contract_violation) {
    message = fmt::format("returned the host's own status {}: {}", status, message);
  }
  return CallFailure(status, message, record_.native_domain, record_.native_code);
}

}  // namespace attnbench
