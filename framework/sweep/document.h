// A TOML text as a tree in which every key and value knows its place. Exists so that toml++ is
// named in document.cpp and nowhere else, and so that tables keep the order of the file, which TOML
// libraries forget and which decides how axes nest.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sweep/sweep.h"

namespace attnbench {

using Scalar = std::variant<bool, int64_t, double, std::string>;

struct Member;
struct Node {
  enum class Kind { scalar, list, table, date };
  Kind kind = Kind::table;
  Scalar scalar;
  std::vector<Node> items;
  std::vector<Member> members;
  Place where;
};
struct Member {
  std::string key;
  Place where;
  Node value;
};

// Throws SweepError where `text` is no TOML.
Node read_document(std::string_view text, const std::string& file);

std::string describe(const Node& node);  // "the integer 3", "a table": what was found, for messages

}  // namespace attnbench
