// An enum and its spelling, as one table beside the enum. The same word is TOML key value, JSON
// value and CSV cell, so there is one table per enum and no second list to keep in step.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace attnbench {

template <typename E>
struct EnumText {
  E value;
  std::string_view text;
};

template <typename E, size_t N>
constexpr std::string_view enum_to_text(const EnumText<E> (&table)[N], E value) {
  for (const EnumText<E>& row : table) {
    if (row.value == value) return row.text;
  }
  return "?";
}

template <typename E, size_t N>
constexpr std::optional<E> enum_from_text(const EnumText<E> (&table)[N], std::string_view text) {
  for (const EnumText<E>& row : table) {
    if (row.text == text) return row.value;
  }
  return std::nullopt;
}

// Every spelling, for "valid values are ..." and "did you mean".
template <typename E, size_t N>
std::vector<std::string> enum_texts(const EnumText<E> (&table)[N]) {
  std::vector<std::string> texts;
  for (const EnumText<E>& row : table) texts.emplace_back(row.text);
  return texts;
}

}  // namespace attnbench
