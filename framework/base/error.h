// An unexpected end: what went wrong, and what the reader can do about it. Caught once, in main.
// Expected ends (a trial that fails) are values of model/outcome.h, never exceptions.
#pragma once

#include <stdexcept>
#include <string>

namespace attnbench {

class Error : public std::runtime_error {
 public:
  // `what`: where and what, as one line. `hint`: what to do next; may be empty.
  explicit Error(const std::string& what, std::string hint = "");
  const std::string& hint() const { return hint_; }
  // "what -- hint", as the terminal shows it.
  std::string line() const;

 private:
  std::string hint_;
};

}  // namespace attnbench
