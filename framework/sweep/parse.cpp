// The file's tables, one function each, in the order in which sweeps/README.md explains them.
#include "sweep/parse.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <limits>
#include <set>

#include "base/text.h"
#include "sweep/check.h"
#include "sweep/fields.h"
#include "sweep/filter.h"
#include "sweep/table_reader.h"

namespace attnbench {
namespace {

void read_problem(const Node& node, Sweep& sweep) {
  TableReader reader(node, "[problem]");
  for (const std::string& field : problem_fields()) {
    const Member* member = reader.find(field);
    if (member == nullptr) continue;
    const Place& where = member->value.where;
    const Cell cell = at(where, [&] { return cell_of(field, scalar_of(member->value, field)); });
    sweep.problem.push_back({field, cell, where});
  }
  reader.finish();
}

void read_inputs(const Node& node, Sweep& sweep) {
  TableReader reader(node, "[inputs]");
  Inputs& inputs = sweep.inputs;
  inputs.stddev = reader.number_or("stddev", inputs.stddev);
  inputs.bias_low = reader.number_or("bias_low", inputs.bias_low);
  inputs.bias_low_fraction = reader.number_or("bias_low_fraction", inputs.bias_low_fraction);
  inputs.bias_stddev = reader.number_or("bias_stddev", inputs.bias_stddev);
  reader.finish();
  Problem problem;
  problem.inputs = inputs;
  at(node.where, [&problem] { check_problem(problem); });
}

void read_measure(const Node& node, Sweep& sweep) {
  TableReader reader(node, "[measure]");
  MeasureSettings& measure = sweep.measure;
  const auto choose = [&reader](const std::string& key, const auto& table, auto& value) {
    const std::string word = reader.word_or_empty(key, enum_texts(table));
    if (!word.empty()) value = *enum_from_text(table, word);
  };
  choose("effort", kEfforts, measure.effort);
  choose("cache", kCaches, measure.cache);
  choose("protocol", kProtocols, measure.protocol);
  measure.seed = static_cast<uint64_t>(reader.integer_or("seed", static_cast<int64_t>(measure.seed),
                                                         0, std::numeric_limits<int64_t>::max()));
  measure.verify_rows =
      static_cast<int>(reader.integer_or("verify_rows", measure.verify_rows, 1, 1'000'000));
  reader.finish();
}

void read_sentinel(const Node& node, Sweep& sweep) {
  TableReader reader(node, "[sentinel]");
  sweep.sentinels.execution_ms = reader.number_or("execution_ms", sweep.sentinels.execution_ms);
  sweep.sentinels.preparation_ms =
      reader.number_or("preparation_ms", sweep.sentinels.preparation_ms);
  reader.finish();
}

// A value, or {value = ..., label = ...}; of a zipped axis both are lists.
Row row_of(const Node& node, const std::vector<std::string>& names) {
  const Node* value = &node;
  const Node* label = nullptr;
  if (node.kind == Node::Kind::table) {
    TableReader reader(node, "a value");
    const Member* value_member = reader.find("value");
    const Member* label_member = reader.find("label");
    reader.finish();
    if (value_member == nullptr) {
      throw SweepError(node.where, "a value's table has no value",
                       "write {value = ..., label = \"...\"}");
    }
    value = &value_member->value;
    if (label_member != nullptr) label = &label_member->value;
  }
  const bool is_zipped = names.size() > 1;
  const auto part = [&names, is_zipped](const Node& whole, size_t i) -> const Node& {
    if (!is_zipped) return whole;
    if (whole.kind != Node::Kind::list || whole.items.size() != names.size()) {
      fail_type(whole, "a row of a zipped axis",
                fmt::format("a list of {} values: {}", names.size(), join(names, ", ")));
    }
    return whole.items[i];
  };
  Row row{{}, node.where};
  for (size_t i = 0; i < names.size(); ++i) {
    const Node& written = part(*value, i);
    Cell cell = at(written.where, [&] { return cell_of(names[i], scalar_of(written, names[i])); });
    if (label != nullptr) cell.label = text_of(part(*label, i), "label");
    row.cells.push_back(std::move(cell));
  }
  return row;
}

// "128:8192:*2" in place of a list.
std::vector<Row> rows_of_text(const Node& node, const std::string& name) {
  std::vector<Row> rows;
  const std::string& text = text_of(node, "values");
  for (Cell& cell : at(node.where, [&] { return cells_of_text(name, text); })) {
    rows.push_back({{std::move(cell)}, node.where});
  }
  return rows;
}

void check_rows(const Axis& axis) {
  if (axis.rows.empty()) {
    throw SweepError(axis.where, fmt::format("axis {} has no values", join(axis.names, ", ")),
                     "give it one, or delete the axis");
  }
  std::set<std::vector<OptionValue>> seen;
  for (const Row& row : axis.rows) {
    std::vector<OptionValue> values;
    std::vector<std::string> labels;
    for (const Cell& cell : row.cells) {
      values.push_back(cell.value);
      labels.push_back(cell.label);
    }
    if (seen.insert(values).second) continue;
    throw SweepError(
        row.where, fmt::format("axis {} has {} twice", join(axis.names, ", "), join(labels, ", ")),
        "a point is measured once: delete one");
  }
}

Axis read_axis(const Node& node) {
  TableReader reader(node, "[[axis]]");
  const Member* name = reader.find("name");
  const Member* names = reader.find("names");
  const Member* values = reader.find("values");
  reader.finish();
  if ((name == nullptr) == (names == nullptr) || values == nullptr) {
    throw SweepError(node.where, "an [[axis]] needs name (or names, to zip several) and values",
                     "write name = \"seqlen\" and values = [1024, 2048]");
  }
  Axis axis;
  axis.where = values->value.where;
  if (name != nullptr) axis.names = {text_of(name->value, "name")};
  if (names != nullptr) axis.names = TableReader(node, "[[axis]]").texts("names");
  for (const std::string& each : axis.names) {
    constexpr const char* kNameLetters = "abcdefghijklmnopqrstuvwxyz0123456789_";
    if (!each.empty() && each.find_first_not_of(kNameLetters) == std::string::npos) continue;
    throw SweepError(node.where, fmt::format("\"{}\" is no name of an axis", each),
                     "an axis is a problem field or an option: a-z, 0-9 and _");
  }
  if (axis.names.empty()) {
    throw SweepError(node.where, "an [[axis]] has no names", "write names = [\"a\", \"b\"]");
  }
  if (values->value.kind != Node::Kind::list && axis.names.size() == 1) {
    if (values->value.kind != Node::Kind::scalar ||
        !std::holds_alternative<std::string>(values->value.scalar)) {
      fail_type(values->value, "values", "a list, or a range such as \"128:8192:*2\"");
    }
    axis.rows = rows_of_text(values->value, axis.names.front());
  } else if (values->value.kind != Node::Kind::list) {
    fail_type(values->value, "values", "a list of lists");
  }
  for (const Node& item : values->value.items) axis.rows.push_back(row_of(item, axis.names));
  check_rows(axis);
  return axis;
}

// A condition that can never hold is a typing mistake, so values must be of the axis.
void check_condition(const Sweep& sweep, const Condition& condition, const Place& where) {
  const std::vector<OptionValue> valid = values_of(sweep, condition.name);
  std::vector<std::string> texts;
  for (const OptionValue& value : valid) texts.push_back(to_text(value));
  for (const OptionValue& value : condition.values) {
    if (std::find(valid.begin(), valid.end(), value) != valid.end()) continue;
    throw SweepError(
        where,
        fmt::format("nothing has {} {}, so this excludes nothing", condition.name, to_text(value)),
        suggest(to_text(value), texts));
  }
}

Exclude read_exclude(const Node& node, const Sweep& sweep) {
  TableReader reader(node, "[[exclude]]");
  std::vector<std::string> names = axis_names(sweep);
  names.push_back("provider");
  Exclude exclude{{}, node.where};
  for (const std::string& name : names) {
    const Member* member = reader.find(name);
    if (member == nullptr) continue;
    Condition condition{name, {}};
    const Node& value = member->value;
    const std::vector<Node> one = {value};
    for (const Node& item : value.kind == Node::Kind::list ? value.items : one) {
      condition.values.push_back(
          at(item.where, [&] { return cell_of(name, scalar_of(item, name)).value; }));
    }
    check_condition(sweep, condition, value.where);
    exclude.conditions.push_back(std::move(condition));
  }
  reader.finish();
  if (exclude.conditions.empty()) {
    throw SweepError(node.where, "an [[exclude]] without a condition excludes everything",
                     "write axis = value, or delete it");
  }
  return exclude;
}

void check_color(const Member& member, const std::string& color) {
  const bool is_hex = color.size() == 7 && color[0] == '#' &&
                      color.find_first_not_of("0123456789abcdefABCDEF", 1) == std::string::npos;
  const bool is_word =
      !color.empty() && color.find_first_not_of("abcdefghijklmnopqrstuvwxyz") == std::string::npos;
  if (is_hex || is_word) return;
  throw SweepError(member.value.where, fmt::format("\"{}\" is no color", color),
                   "write a name such as \"green\", or \"#rrggbb\"");
}

Line read_line(const Node& node) {
  TableReader reader(node, "[[provider]]");
  Line line;
  line.where = node.where;
  const Member* id = reader.find("id");
  if (id == nullptr) {
    throw SweepError(node.where, "a [[provider]] has no id",
                     "write id = \"cpu_reference\"; `attnbench list providers` shows all");
  }
  line.id = text_of(id->value, "id");
  line.where = id->value.where;
  line.label = reader.text_or("label", line.id);
  if (const Member* options = reader.find("options")) {
    if (options->value.kind != Node::Kind::table) {
      fail_type(options->value, "options", "a table such as {block_q = 64}");
    }
    for (const Member& option : options->value.members) {
      line.options[option.key] = at(option.value.where, [&option] {
        return cell_of(option.key, scalar_of(option.value, option.key)).value;
      });
    }
  }
  line.device_type = reader.word_or_empty("device", {"cpu", "cuda"});
  line.is_optional = reader.flag_or("optional", false);
  line.is_overlay = reader.flag_or("overlay", false);
  if (const Member* color = reader.find("color")) {
    line.color = text_of(color->value, "color");
    check_color(*color, line.color);
  }
  line.dash = reader.word_or_empty("dash", {"solid", "dashed", "dotted", "dashdot"});
  reader.finish();
  return line;
}

// "batch={batch}-mode={mode}": every axis but x, which a user who wrote none means.
std::string default_template(const Sweep& sweep) {
  std::vector<std::string> parts;
  for (const Axis& axis : sweep.axes) {
    if (&axis == find_axis(sweep, sweep.plot.x)) continue;
    for (const std::string& name : axis.names) parts.push_back(fmt::format("{0}={{{0}}}", name));
  }
  return parts.empty() ? sweep.name : join(parts, "-");
}

void read_plot(const Member* table, Sweep& sweep) {
  const Node nothing;
  const Node& node = table == nullptr ? nothing : table->value;
  TableReader reader(node, "[plot]");
  PlotSpec& plot = sweep.plot;
  plot.name_where = table == nullptr ? Place{sweep.file, 1, 1} : table->where;
  const std::string last = sweep.axes.empty() ? "seqlen" : sweep.axes.back().names.front();
  plot.x = reader.text_or("x", find_axis(sweep, "seqlen") == nullptr ? last : "seqlen");
  // A fixed field may be x: the plot then has one point.
  const auto fixed = std::find_if(sweep.problem.begin(), sweep.problem.end(),
                                  [&plot](const Setting& s) { return s.name == plot.x; });
  if (fixed != sweep.problem.end()) {
    sweep.axes.push_back({{fixed->name}, {{{fixed->cell}, fixed->where}}, fixed->where});
    sweep.problem.erase(fixed);
  }
  if (const Member* name = reader.find("name")) {
    plot.name_template = text_of(name->value, "name");
    plot.name_where = name->value.where;
  } else {
    plot.name_template = default_template(sweep);
  }
  plot.x_label = reader.text_or("x_label", plot.x);
  plot.y_label = reader.text_or("y_label", "ms");
  plot.is_x_log = reader.flag_or("x_log", false);
  plot.is_y_log = reader.flag_or("y_log", false);
  reader.finish();
}

// The items of [[key]].
void for_each_table(const Member* member, const std::function<void(const Node&)>& read) {
  if (member == nullptr) return;
  if (member->value.kind != Node::Kind::list) {
    throw SweepError(member->where, fmt::format("{} is {}", member->key, describe(member->value)),
                     fmt::format("write [[{}]], in double brackets, for each", member->key));
  }
  for (const Node& item : member->value.items) read(item);
}

void read_table(const Member* member, Sweep& sweep, void (*read)(const Node&, Sweep&)) {
  if (member != nullptr) read(member->value, sweep);
}

}  // namespace

Sweep parse_sweep(std::string_view text, const std::string& file) {
  const Node document = read_document(text, file);
  TableReader top(document, "the sweep");
  Sweep sweep;
  sweep.file = file;
  sweep.name = std::filesystem::path(file).stem().string();
  sweep.description = top.text_or("description", "");
  const Member* problem = top.find("problem");
  const Member* inputs = top.find("inputs");
  const Member* axes = top.find("axis");
  const Member* providers = top.find("provider");
  const Member* excludes = top.find("exclude");
  const Member* plot = top.find("plot");
  const Member* measure = top.find("measure");
  const Member* sentinel = top.find("sentinel");
  const Member* filter = top.find("filter");
  // A misspelt table would otherwise be told as something that is missing.
  top.finish();
  read_table(problem, sweep, read_problem);
  read_table(inputs, sweep, read_inputs);
  for_each_table(axes, [&](const Node& node) { sweep.axes.push_back(read_axis(node)); });
  for_each_table(providers, [&](const Node& node) { sweep.lines.push_back(read_line(node)); });
  for_each_table(excludes,
                 [&](const Node& node) { sweep.excludes.push_back(read_exclude(node, sweep)); });
  read_plot(plot, sweep);
  read_table(measure, sweep, read_measure);
  read_table(sentinel, sweep, read_sentinel);
  if (filter != nullptr) {
    sweep.filters = top.texts("filter");
    at(filter->value.where, [&sweep] { Filter{sweep.filters}; });
  }
  check_sweep(sweep);
  return sweep;
}

}  // namespace attnbench
