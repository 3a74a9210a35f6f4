#include "sweep/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/text.h"
#include "sweep/fields.h"
#include "sweep/name_template.h"

namespace attnbench {
namespace {

// Who decides a field; a second one would silently win over the first.
class Owners {
 public:
  void claim(const std::string& name, const Place& where) {
    for (const std::string& field : fields_set_by(name)) {
      const auto [owner, is_new] = owners_.try_emplace(field, where);
      if (!is_new) {
        throw SweepError(where, fmt::format("{} is set a second time", field),
                         fmt::format("it is also set at {}; keep one", owner->second.text()));
      }
    }
  }
  bool has(const std::string& field) const { return owners_.contains(field); }

 private:
  std::map<std::string, Place> owners_;
};

void check_fields(const Sweep& sweep) {
  Owners owners;
  for (const Setting& setting : sweep.problem) owners.claim(setting.name, setting.where);
  for (const Axis& axis : sweep.axes) {
    for (const std::string& name : axis.names) owners.claim(name, axis.where);
  }
  // The others have defaults that nobody is surprised by; a length of 1 would surprise.
  for (const std::string field : {"heads", "seqlen_q", "seqlen_kv", "head_dim"}) {
    if (owners.has(field)) continue;
    throw SweepError({sweep.file, 1, 1}, fmt::format("nothing sets {}", field),
                     fmt::format("add it to [problem] or as an [[axis]]{}",
                                 field.starts_with("seqlen") ? "; seqlen sets both lengths" : ""));
  }
}

void check_lines(const Sweep& sweep) {
  if (sweep.lines.empty()) {
    throw SweepError({sweep.file, 1, 1}, "there is no [[provider]]",
                     "add one, such as: [[provider]] id = \"cpu_reference\"");
  }
  std::map<std::string, Place> labels;
  for (const Line& line : sweep.lines) {
    const auto [first, is_new] = labels.try_emplace(line.label, line.where);
    if (is_new) continue;
    throw SweepError(line.where, fmt::format("two lines are labelled \"{}\"", line.label),
                     "give this one a label of its own");
  }
}

void check_plot(const Sweep& sweep) {
  const PlotSpec& plot = sweep.plot;
  const std::vector<std::string> names = axis_names(sweep);
  const Axis* x_axis = find_axis(sweep, plot.x);
  if (x_axis == nullptr) {
    throw SweepError(plot.name_where, fmt::format("plot.x is \"{}\", which is no axis", plot.x),
                     suggest(plot.x, names));
  }
  const std::vector<TemplatePart> parts =
      at(plot.name_where, [&plot] { return parse_template(plot.name_template); });
  for (const TemplatePart& part : parts) {
    if (!part.is_field) continue;
    const Axis* axis = find_axis(sweep, part.text);
    if (axis == nullptr) {
      throw SweepError(plot.name_where,
                       fmt::format("plot.name has {{{}}}, which is no axis", part.text),
                       suggest(part.text, names));
    }
    if (axis == x_axis) {
      throw SweepError(plot.name_where,
                       fmt::format("plot.name has {{{}}}, which changes along x", part.text),
                       "take it out: every plot shows all of its values");
    }
  }
}

}  // namespace

void check_sweep(const Sweep& sweep) {
  check_fields(sweep);
  check_lines(sweep);
  check_plot(sweep);
}

std::vector<std::string> axis_names(const Sweep& sweep) {
  std::vector<std::string> names;
  for (const Axis& axis : sweep.axes) {
    names.insert(names.end(), axis.names.begin(), axis.names.end());
  }
  return names;
}

const Axis* find_axis(const Sweep& sweep, const std::string& name) {
  for (const Axis& axis : sweep.axes) {
    if (std::find(axis.names.begin(), axis.names.end(), name) != axis.names.end()) return &axis;
  }
  return nullptr;
}

std::vector<OptionValue> values_of(const Sweep& sweep, const std::string& name) {
  std::vector<OptionValue> values;
  const Axis* axis = find_axis(sweep, name);
  if (axis == nullptr) {
    for (const Line& line : sweep.lines) values.emplace_back(line.id);
    return values;
  }
  const auto found = std::find(axis->names.begin(), axis->names.end(), name);
  const size_t column = static_cast<size_t>(found - axis->names.begin());
  for (const Row& row : axis->rows) values.push_back(row.cells[column].value);
  return values;
}

}  // namespace attnbench
