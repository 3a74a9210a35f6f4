// The JSON type of the whole program: keys keep the order in which they were written.
// Include <nlohmann/json.hpp> in the .cpp that works with values; headers only name the type.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/enum_text.h"

namespace attnbench {

using Json = nlohmann::ordered_json;

// Throws Error that begins with `where` ("results.jsonl:14") and says where in the text it went
// wrong. What is nested deeper than anything of ours is refused, too.
Json parse_json(std::string_view text, std::string_view where);

// One line without a line break. What is no UTF-8 (a provider's message may be anything) is
// replaced by U+FFFD, so that it never throws.
std::string dump_json(const Json& json);

// The number, or null where it is not finite: JSON has no word for those.
Json finite_or_null(double number);

// Reads an object field by field; what is missing or of another type throws Error that names the
// object and the key. Borrows the object.
class JsonFields {
 public:
  JsonFields(const Json& object, std::string what);  // throws Error if it is no object

  bool has(std::string_view key);  // there, and not null
  const Json& value(std::string_view key);
  const Json& list(std::string_view key);  // to be gone through
  int64_t integer(std::string_view key);
  uint64_t unsigned_integer(std::string_view key);
  double number(std::string_view key);
  bool flag(std::string_view key);
  std::string text(std::string_view key);
  std::vector<std::string> texts(std::string_view key);
  std::vector<int64_t> integers(std::string_view key);
  std::vector<double> numbers(std::string_view key);

  // The same, but what is missing or null is `fallback`.
  int64_t integer_or(std::string_view key, int64_t fallback);
  double number_or(std::string_view key, double fallback);
  bool flag_or(std::string_view key, bool fallback);
  std::string text_or(std::string_view key, std::string_view fallback);

  template <typename E, size_t N>
  E choice(std::string_view key, const EnumText<E> (&table)[N]) {
    const std::string word = text(key);
    const std::optional<E> value = enum_from_text(table, word);
    if (!value) fail_choice(key, word, enum_texts(table));
    return *value;
  }

  // Throws Error if the object has a key that nobody asked for: a misspelt one must not be ignored.
  void finish() const;

 private:
  [[noreturn]] void fail_type(std::string_view key, std::string_view expected) const;
  [[noreturn]] void fail_choice(std::string_view key, std::string_view word,
                                const std::vector<std::string>& valid) const;
  const Json* find(std::string_view key);
  template <typename T, typename IsType>
  std::vector<T> array(std::string_view key, std::string_view expected, IsType is_type);

  const Json& object_;
  std::string what_;
  std::vector<std::string> asked_;
};

}  // namespace attnbench
