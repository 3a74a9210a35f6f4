#include "base/error.h"

#include <utility>

namespace attnbench {

Error::Error(const std::string& what, std::string hint)
    : std::runtime_error(what), hint_(std::move(hint)) {}

std::string Error::line() const {
  return hint_.empty() ? std::string(what()) : std::string(what()) + " -- " + hint_;
}

}  // namespace attnbench
