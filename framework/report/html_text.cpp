#include "report/html_text.h"

#include <fmt/format.h>

#include "report/terminal_text.h"

namespace attnbench {

std::string html_escaped(std::string_view text) {
  std::string result;
  for (const char letter : printable(text)) {
    switch (letter) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      case '\'':
        result += "&#39;";
        break;
      default:
        result += letter;
    }
  }
  return result;
}

std::string url_of_file(std::string_view name) {
  // "./": or else a name such as "javascript:x" would be an address of its own.
  std::string result = "./";
  for (const char letter : name) {
    const bool is_unreserved = ('0' <= letter && letter <= '9') ||
                               ('A' <= letter && letter <= 'Z') ||
                               ('a' <= letter && letter <= 'z') ||
                               std::string_view("-._~=").find(letter) != std::string_view::npos;
    result += is_unreserved ? std::string(1, letter)
                            : fmt::format("%{:02X}", static_cast<unsigned char>(letter));
  }
  return result;
}

std::string markdown_escaped(std::string_view text) {
  std::string result;
  for (const char letter : printable(text)) {
    if (letter == '<') {
      result += "&lt;";
    } else if (letter == '&') {
      result += "&amp;";
    } else {
      if (std::string_view("\\|`*[]").find(letter) != std::string_view::npos) result += '\\';
      result += letter;
    }
  }
  return result;
}

}  // namespace attnbench
