#include "sweep/sweep.h"

#include <fmt/format.h>

namespace attnbench {
namespace {

// Names come from files that anyone may have written; a message stays one line all the same.
std::string one_line(const std::string& text) {
  std::string line;
  for (const char letter : text) {
    const unsigned char byte = static_cast<unsigned char>(letter);
    line += byte < 0x20 || byte == 0x7f ? fmt::format("\\x{:02x}", byte) : std::string(1, letter);
  }
  return line;
}

}  // namespace

std::string Place::text() const {
  return line == 0 ? source : fmt::format("{}:{}:{}", source, line, column);
}

SweepError::SweepError(const Place& where, const std::string& what, const std::string& hint)
    : Error(one_line(where.text() + ": " + what), one_line(hint)) {}

}  // namespace attnbench
