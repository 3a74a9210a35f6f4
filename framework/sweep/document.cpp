#include "sweep/document.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <tuple>

#include "base/text.h"

namespace attnbench {
namespace {

Place place_of(const toml::source_region& region, const std::string& file) {
  return {file, static_cast<int>(region.begin.line), static_cast<int>(region.begin.column)};
}

Node node_of(const toml::node& source, const std::string& file);

void read_members(const toml::table& source, const std::string& file, Node& node) {
  for (const auto& [key, value] : source) {
    node.members.push_back(
        {std::string(key.str()), place_of(key.source(), file), node_of(value, file)});
  }
  std::sort(node.members.begin(), node.members.end(), [](const Member& left, const Member& right) {
    return std::tie(left.where.line, left.where.column) <
           std::tie(right.where.line, right.where.column);
  });
}

Node node_of(const toml::node& source, const std::string& file) {
  Node node;
  node.where = place_of(source.source(), file);
  node.kind = Node::Kind::scalar;
  if (const toml::table* table = source.as_table()) {
    node.kind = Node::Kind::table;
    read_members(*table, file, node);
  } else if (const toml::array* array = source.as_array()) {
    node.kind = Node::Kind::list;
    for (const toml::node& item : *array) node.items.push_back(node_of(item, file));
  } else if (const toml::value<bool>* flag = source.as_boolean()) {
    node.scalar = flag->get();
  } else if (const toml::value<int64_t>* integer = source.as_integer()) {
    node.scalar = integer->get();
  } else if (const toml::value<double>* number = source.as_floating_point()) {
    node.scalar = number->get();
  } else if (const toml::value<std::string>* text = source.as_string()) {
    node.scalar = text->get();
  } else {
    node.kind = Node::Kind::date;
  }
  return node;
}

}  // namespace

Node read_document(std::string_view text, const std::string& file) {
  const bool is_text = is_valid_utf8(text);
  try {
    const toml::table document = toml::parse(text, std::string_view(file));
    return node_of(document, file);
  } catch (const toml::parse_error& error) {
    throw SweepError(place_of(error.source(), file),
                     fmt::format("this is no TOML: {}", error.description()),
                     is_text ? "texts stand in quotes, lists in [ ]; sweeps/README.md has every key"
                             : "save the file as UTF-8");
  }
}

std::string describe(const Node& node) {
  switch (node.kind) {
    case Node::Kind::table:
      return "a table";
    case Node::Kind::list:
      return "a list";
    case Node::Kind::date:
      return "a date";
    case Node::Kind::scalar:
      break;
  }
  if (const bool* flag = std::get_if<bool>(&node.scalar)) return *flag ? "true" : "false";
  if (const int64_t* integer = std::get_if<int64_t>(&node.scalar)) {
    return fmt::format("the integer {}", *integer);
  }
  if (const double* number = std::get_if<double>(&node.scalar)) {
    return fmt::format("the number {:#}", *number);
  }
  return fmt::format("the text \"{}\"", std::get<std::string>(node.scalar));
}

}  // namespace attnbench
