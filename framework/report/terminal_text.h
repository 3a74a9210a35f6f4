// Text as a terminal shows it. A string has bytes, code points and columns, three different counts:
// "±" is two bytes, one code point, one column; "中" takes two columns; a combining accent none.
// Text from providers is hostile until `printable` has seen it: an escape sequence in a provider's
// message must not move the reader's cursor.
#pragma once

#include <string>
#include <string_view>

namespace attnbench {

struct TerminalStyle {
  int width = 0;  // columns; 0: unlimited (a pipe or a file)
  bool has_color = false;
};

// Control characters become spaces, bytes that are no UTF-8 and direction overrides become "?".
std::string printable(std::string_view text);

// Columns that `text` (printable) takes.
int display_width(std::string_view text);

// At most `columns` wide; what was cut is shown as "…".
std::string cut_to_width(std::string_view text, int columns);

enum class Color { none, red, yellow, green, bold, dim };
// The text itself when `style` has no colours.
std::string colored(std::string_view text, Color color, const TerminalStyle& style);

}  // namespace attnbench
