#include "sweep/table_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/text.h"

namespace attnbench {

void fail_type(const Node& found, const std::string& key, const std::string& expected) {
  throw SweepError(found.where, fmt::format("{} is {}", key, describe(found)),
                   fmt::format("it must be {}", expected));
}

const Scalar& scalar_of(const Node& node, const std::string& key) {
  if (node.kind != Node::Kind::scalar) fail_type(node, key, "one value");
  return node.scalar;
}

const std::string& text_of(const Node& node, const std::string& key) {
  const std::string* text = std::get_if<std::string>(&node.scalar);
  if (node.kind != Node::Kind::scalar || text == nullptr) fail_type(node, key, "a text in quotes");
  return *text;
}

TableReader::TableReader(const Node& node, std::string name) : node_(node), name_(std::move(name)) {
  if (node.kind != Node::Kind::table) fail_type(node, name_, "a table");
}

const Member* TableReader::find(const std::string& key) {
  known_.push_back(key);
  for (const Member& member : node_.members) {
    if (member.key == key) return &member;
  }
  return nullptr;
}

std::string TableReader::text_or(const std::string& key, const std::string& fallback) {
  const Member* member = find(key);
  return member == nullptr ? fallback : text_of(member->value, key);
}

bool TableReader::flag_or(const std::string& key, bool fallback) {
  const Member* member = find(key);
  if (member == nullptr) return fallback;
  const bool* flag = std::get_if<bool>(&scalar_of(member->value, key));
  if (flag == nullptr) fail_type(member->value, key, "true or false");
  return *flag;
}

double TableReader::number_or(const std::string& key, double fallback) {
  const Member* member = find(key);
  if (member == nullptr) return fallback;
  const Scalar& value = scalar_of(member->value, key);
  if (const int64_t* integer = std::get_if<int64_t>(&value)) return static_cast<double>(*integer);
  const double* number = std::get_if<double>(&value);
  if (number == nullptr || !std::isfinite(*number)) {
    fail_type(member->value, key, "a finite number");
  }
  return *number;
}

int64_t TableReader::integer_or(const std::string& key, int64_t fallback, int64_t least,
                                int64_t most) {
  const Member* member = find(key);
  if (member == nullptr) return fallback;
  const int64_t* integer = std::get_if<int64_t>(&scalar_of(member->value, key));
  if (integer == nullptr || *integer < least || *integer > most) {
    fail_type(member->value, key, fmt::format("a whole number from {} to {}", least, most));
  }
  return *integer;
}

std::string TableReader::word_or_empty(const std::string& key,
                                       const std::vector<std::string>& words) {
  const Member* member = find(key);
  if (member == nullptr) return "";
  const std::string& word = text_of(member->value, key);
  if (std::find(words.begin(), words.end(), word) == words.end()) {
    throw SweepError(member->value.where, fmt::format("unknown {} \"{}\"", key, word),
                     suggest(word, words));
  }
  return word;
}

std::vector<std::string> TableReader::texts(const std::string& key) {
  const Member* member = find(key);
  if (member == nullptr) return {};
  if (member->value.kind != Node::Kind::list) return {text_of(member->value, key)};
  std::vector<std::string> texts;
  for (const Node& item : member->value.items) texts.push_back(text_of(item, key));
  return texts;
}

void TableReader::finish() const {
  for (const Member& member : node_.members) {
    if (std::find(known_.begin(), known_.end(), member.key) != known_.end()) continue;
    throw SweepError(member.where, fmt::format("unknown key \"{}\" in {}", member.key, name_),
                     suggest(member.key, known_));
  }
}

}  // namespace attnbench
