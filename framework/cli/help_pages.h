// The Markdown pages of help/, as text in the program: help works wherever the executable is.
#pragma once

#include <span>
#include <string_view>

namespace attnbench {

struct HelpPage {
  std::string_view topic;  // the file's name without .md
  std::string_view text;
};

std::span<const HelpPage> help_pages();

}  // namespace attnbench
