#include "base/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace attnbench {
namespace {

bool fits_int64(const Json& value) {
  if (value.is_number_unsigned()) {
    return value.get<uint64_t>() <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  }
  return value.is_number_integer();
}

constexpr int kDeepestJson = 100;

// Copying, comparing and dump() call themselves for every level (the parser and the destructor do
// not), so a megabyte of brackets would overflow the stack of whoever reads it.
bool is_too_deep(std::string_view text) {
  int depth = 0;
  bool is_in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (is_in_string && c == '\\') {
      ++i;
    } else if (c == '"') {
      is_in_string = !is_in_string;
    } else if (!is_in_string && (c == '[' || c == '{')) {
      if (++depth > kDeepestJson) return true;
    } else if (!is_in_string && (c == ']' || c == '}')) {
      --depth;
    }
  }
  return false;
}

}  // namespace

Json parse_json(std::string_view text, std::string_view where) {
  if (is_too_deep(text)) {
    throw Error(fmt::format("{}: not JSON of ours: nested more than {} deep", where, kDeepestJson));
  }
  try {
    return Json::parse(text);
  } catch (const nlohmann::json::exception& error) {
    throw Error(fmt::format("{}: not JSON: {}", where, error.what()));
  }
}

std::string dump_json(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json finite_or_null(double number) {
  return std::isfinite(number) ? Json(number) : Json(nullptr);
}

JsonFields::JsonFields(const Json& object, std::string what)
    : object_(object), what_(std::move(what)) {
  if (!object.is_object()) {
    throw Error(fmt::format("{}: expected an object, got {}", what_, object.type_name()));
  }
}

const Json* JsonFields::find(std::string_view key) {
  asked_.emplace_back(key);
  const Json::const_iterator found = object_.find(asked_.back());
  return found == object_.end() ? nullptr : &*found;
}

bool JsonFields::has(std::string_view key) {
  const Json* value = find(key);
  return value != nullptr && !value->is_null();
}

const Json& JsonFields::value(std::string_view key) {
  const Json* value = find(key);
  if (value == nullptr) throw Error(fmt::format("{}: \"{}\" is missing", what_, key));
  return *value;
}

const Json& JsonFields::list(std::string_view key) {
  const Json& found = value(key);
  if (!found.is_array()) fail_type(key, "a list");
  return found;
}

int64_t JsonFields::integer(std::string_view key) {
  const Json& found = value(key);
  if (!fits_int64(found)) fail_type(key, "a whole number of 64 bits");
  return found.get<int64_t>();
}

uint64_t JsonFields::unsigned_integer(std::string_view key) {
  const Json& found = value(key);
  const bool is_negative =
      found.is_number_integer() && !found.is_number_unsigned() && found.get<int64_t>() < 0;
  if (!found.is_number_integer() || is_negative) fail_type(key, "a whole number from 0");
  return found.get<uint64_t>();
}

double JsonFields::number(std::string_view key) {
  const Json& found = value(key);
  if (!found.is_number()) fail_type(key, "a number");
  return found.get<double>();
}

bool JsonFields::flag(std::string_view key) {
  const Json& found = value(key);
  if (!found.is_boolean()) fail_type(key, "true or false");
  return found.get<bool>();
}

std::string JsonFields::text(std::string_view key) {
  const Json& found = value(key);
  if (!found.is_string()) fail_type(key, "a text");
  return found.get<std::string>();
}

template <typename T, typename IsType>
std::vector<T> JsonFields::array(std::string_view key, std::string_view expected, IsType is_type) {
  const Json& found = value(key);
  if (!found.is_array() || !std::all_of(found.begin(), found.end(), is_type)) {
    fail_type(key, expected);
  }
  return found.get<std::vector<T>>();
}

std::vector<std::string> JsonFields::texts(std::string_view key) {
  return array<std::string>(key, "a list of texts", [](const Json& e) { return e.is_string(); });
}

std::vector<int64_t> JsonFields::integers(std::string_view key) {
  return array<int64_t>(key, "a list of whole numbers", fits_int64);
}

std::vector<double> JsonFields::numbers(std::string_view key) {
  return array<double>(key, "a list of numbers", [](const Json& e) { return e.is_number(); });
}

int64_t JsonFields::integer_or(std::string_view key, int64_t fallback) {
  return has(key) ? integer(key) : fallback;
}

double JsonFields::number_or(std::string_view key, double fallback) {
  return has(key) ? number(key) : fallback;
}

bool JsonFields::flag_or(std::string_view key, bool fallback) {
  return has(key) ? flag(key) : fallback;
}

std::string JsonFields::text_or(std::string_view key, std::string_view fallback) {
  return has(key) ? text(key) : std::string(fallback);
}

void JsonFields::finish() const {
  for (const auto& [key, value] : object_.items()) {
    if (std::find(asked_.begin(), asked_.end(), key) == asked_.end()) {
      throw Error(fmt::format("{}: unknown key \"{}\"", what_, key), suggest(key, asked_));
    }
  }
}

void JsonFields::fail_type(std::string_view key, std::string_view expected) const {
  const std::string got = dump_json(object_[std::string(key)]);
  throw Error(fmt::format("{}: \"{}\" must be {}, got {}", what_, key, expected,
                          got.size() > 60 ? got.substr(0, 60) + "..." : got));
}

void JsonFields::fail_choice(std::string_view key, std::string_view word,
                             const std::vector<std::string>& valid) const {
  throw Error(fmt::format("{}: unknown {} \"{}\"", what_, key, word), suggest(word, valid));
}

}  // namespace attnbench
