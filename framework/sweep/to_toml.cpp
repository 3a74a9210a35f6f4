#include <fmt/format.h>

#include "base/text.h"
#include "sweep/fields.h"
#include "sweep/parse.h"

namespace attnbench {
namespace {

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char letter : text) {
    const unsigned char byte = static_cast<unsigned char>(letter);
    if (letter == '"' || letter == '\\') {
      result += '\\';
      result += letter;
    } else if (byte < 0x20 || byte == 0x7f) {
      result += fmt::format("\\u{:04x}", byte);
    } else {
      result += letter;
    }
  }
  return result + '"';
}

// TOML tells 2 from 2.0, and so do options.
std::string number_text(double number) {
  const std::string text = fmt::format("{}", number);
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

std::string value_text(const OptionValue& value) {
  if (const std::string* text = std::get_if<std::string>(&value)) return quoted(*text);
  if (const double* number = std::get_if<double>(&value)) return number_text(*number);
  return std::to_string(std::get<int64_t>(value));
}

std::string list_text(const std::vector<std::string>& parts) {
  return parts.size() == 1 ? parts.front() : "[" + join(parts, ", ") + "]";
}

std::string row_text(const Row& row) {
  std::vector<std::string> values;
  std::vector<std::string> labels;
  bool has_own_label = false;
  for (const Cell& cell : row.cells) {
    values.push_back(value_text(cell.value));
    labels.push_back(quoted(cell.label));
    has_own_label = has_own_label || cell.label != to_text(cell.value);
  }
  if (!has_own_label) return list_text(values);
  return fmt::format("{{value = {}, label = {}}}", list_text(values), list_text(labels));
}

std::string axis_text(const Axis& axis) {
  std::vector<std::string> names;
  for (const std::string& name : axis.names) names.push_back(quoted(name));
  std::vector<std::string> rows;
  for (const Row& row : axis.rows) rows.push_back(row_text(row));
  return fmt::format("\n[[axis]]\n{} = {}\nvalues = [{}]\n", names.size() == 1 ? "name" : "names",
                     list_text(names), join(rows, ", "));
}

std::string line_text(const Line& line) {
  std::string text =
      fmt::format("\n[[provider]]\nid = {}\nlabel = {}\n", quoted(line.id), quoted(line.label));
  std::vector<std::string> options;
  for (const auto& [name, value] : line.options) {
    options.push_back(fmt::format("{} = {}", quoted(name), value_text(value)));
  }
  if (!options.empty()) text += fmt::format("options = {{{}}}\n", join(options, ", "));
  if (!line.device_type.empty()) text += fmt::format("device = {}\n", quoted(line.device_type));
  if (line.is_optional) text += "optional = true\n";
  if (line.is_overlay) text += "overlay = true\n";
  if (!line.color.empty()) text += fmt::format("color = {}\n", quoted(line.color));
  if (!line.dash.empty()) text += fmt::format("dash = {}\n", quoted(line.dash));
  return text;
}

std::string exclude_text(const Exclude& exclude) {
  std::string text = "\n[[exclude]]\n";
  for (const Condition& condition : exclude.conditions) {
    std::vector<std::string> values;
    for (const OptionValue& value : condition.values) values.push_back(value_text(value));
    text += fmt::format("{} = [{}]\n", condition.name, join(values, ", "));
  }
  return text;
}

}  // namespace

std::string to_toml(const Sweep& sweep) {
  std::string text = fmt::format("description = {}\n", quoted(sweep.description));
  if (!sweep.filters.empty()) {
    std::vector<std::string> filters;
    for (const std::string& filter : sweep.filters) filters.push_back(quoted(filter));
    text += fmt::format("filter = [{}]\n", join(filters, ", "));
  }
  text += "\n[problem]\n";
  for (const Setting& setting : sweep.problem) {
    text += fmt::format("{} = {}\n", setting.name, value_text(setting.cell.value));
  }
  const Inputs& inputs = sweep.inputs;
  text += fmt::format(
      "\n[inputs]\nstddev = {}\nbias_low = {}\nbias_low_fraction = {}\nbias_stddev = {}\n",
      number_text(inputs.stddev), number_text(inputs.bias_low),
      number_text(inputs.bias_low_fraction), number_text(inputs.bias_stddev));
  for (const Axis& axis : sweep.axes) text += axis_text(axis);
  for (const Line& line : sweep.lines) text += line_text(line);
  for (const Exclude& exclude : sweep.excludes) text += exclude_text(exclude);
  const MeasureSettings& measure = sweep.measure;
  text += fmt::format(
      "\n[measure]\neffort = \"{}\"\ncache = \"{}\"\nprotocol = \"{}\"\nseed = {}\n"
      "verify_rows = {}\n",
      enum_to_text(kEfforts, measure.effort), enum_to_text(kCaches, measure.cache),
      enum_to_text(kProtocols, measure.protocol), measure.seed, measure.verify_rows);
  text += fmt::format("\n[sentinel]\nexecution_ms = {}\npreparation_ms = {}\n",
                      number_text(sweep.sentinels.execution_ms),
                      number_text(sweep.sentinels.preparation_ms));
  const PlotSpec& plot = sweep.plot;
  text += fmt::format(
      "\n[plot]\nx = {}\nname = {}\nx_label = {}\ny_label = {}\nx_log = {}\ny_log = {}\n",
      quoted(plot.x), quoted(plot.name_template), quoted(plot.x_label), quoted(plot.y_label),
      plot.is_x_log, plot.is_y_log);
  return text;
}

}  // namespace attnbench
