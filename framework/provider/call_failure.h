// Why a request to a provider came to nothing: thrown where it is found, caught once in the
// worker's request loop, which adds the phase and answers the host. Either the provider's own
// status and words, or the worker's verdict about the provider (status 0, a stable `detail` code).
#pragma once

#include <stdexcept>
#include <string>

#include "model/outcome.h"

namespace attnbench {

class CallFailure : public std::runtime_error {
 public:
  // A verdict of our own.
  CallFailure(Outcome verdict, std::string code, const std::string& message)
      : std::runtime_error(message), outcome(verdict), detail(std::move(code)) {}
  // What a provider returned.
  CallFailure(int returned, const std::string& message, int domain, int code);

  Outcome outcome;
  std::string detail;
  int status = 0;
  int native_domain = 0;
  int native_code = 0;
  bool is_poisoned = false;
};

}  // namespace attnbench
