// Widths of code points, from Unicode's East Asian Width (W and F) and general category Mn, in
// the coarse ranges that terminals agree on.
#include "report/terminal_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace attnbench {
namespace {

struct Range {
  char32_t first, last;
};
constexpr Range kZeroWidth[] = {
    {0x300, 0x36F},   {0x483, 0x489},   {0x591, 0x5BD},   {0x610, 0x61A},    {0x64B, 0x65F},
    {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF}, {0x200B, 0x200D}, {0x20D0, 0x20FF},  {0x2060, 0x2060},
    {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}, {0xFEFF, 0xFEFF}, {0xE0100, 0xE01EF}};
constexpr Range kWide[] = {
    {0x1100, 0x115F},   {0x2E80, 0x303E},   {0x3041, 0xA4CF},  {0xA960, 0xA97F}, {0xAC00, 0xD7A3},
    {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},  {0xFFE0, 0xFFE6}, {0x1F300, 0x1F64F},
    {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD}};
// Embeddings, overrides and isolates of text direction: they reorder what stands beside them.
constexpr Range kDirection[] = {{0x200E, 0x200F}, {0x202A, 0x202E}, {0x2066, 0x2069}};

template <size_t N>
bool is_in(const Range (&ranges)[N], char32_t point) {
  return std::any_of(std::begin(ranges), std::end(ranges), [point](const Range& range) {
    return range.first <= point && point <= range.last;
  });
}

struct CodePoint {
  char32_t value = 0;
  size_t bytes = 1;
  bool is_valid = false;
};

CodePoint decode_first(std::string_view text) {
  const auto byte = [&text](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1, true};
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return {};
  char32_t value = lead & (0x7Fu >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    value = (value << 6) | (byte(i) & 0x3Fu);
  }
  constexpr std::array<char32_t, 5> kSmallest = {0, 0, 0x80, 0x800, 0x10000};
  const bool is_surrogate = 0xD800 <= value && value <= 0xDFFF;
  if (value < kSmallest[length] || is_surrogate || value > 0x10FFFF) return {};
  return {value, length, true};
}

int width_of(char32_t point) {
  if (is_in(kZeroWidth, point)) return 0;
  return is_in(kWide, point) ? 2 : 1;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const CodePoint point = decode_first(text);
    const bool is_control = point.value < 0x20 || (0x7F <= point.value && point.value < 0xA0);
    if (!point.is_valid || is_in(kDirection, point.value)) {
      result += '?';
    } else if (is_control) {
      result += ' ';
    } else {
      result += text.substr(0, point.bytes);
    }
    text.remove_prefix(point.bytes);
  }
  return result;
}

int display_width(std::string_view text) {
  int width = 0;
  while (!text.empty()) {
    const CodePoint point = decode_first(text);
    width += point.is_valid ? width_of(point.value) : 1;
    text.remove_prefix(point.bytes);
  }
  return width;
}

std::string cut_to_width(std::string_view text, int columns) {
  if (display_width(text) <= columns) return std::string(text);
  if (columns <= 0) return "";
  std::string kept;
  int width = 0;
  while (!text.empty()) {
    const CodePoint point = decode_first(text);
    width += point.is_valid ? width_of(point.value) : 1;
    if (width > columns - 1) break;
    kept += text.substr(0, point.bytes);
    text.remove_prefix(point.bytes);
  }
  return kept + "…";
}

std::string colored(std::string_view text, Color color, const TerminalStyle& style) {
  if (!style.has_color || color == Color::none) return std::string(text);
  constexpr std::array<int, 6> kCodes = {0, 31, 33, 32, 1, 2};
  return fmt::format("\x1b[{}m{}\x1b[0m", kCodes[static_cast<size_t>(color)], text);
}

}  // namespace attnbench
