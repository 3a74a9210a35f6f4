#include "sweep/override.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "sweep/check.h"
#include "sweep/fields.h"
#include "sweep/filter.h"

namespace attnbench {
namespace {

std::vector<Row> rows_of(const std::vector<Cell>& cells, const Place& where) {
  std::vector<Row> rows;
  for (const Cell& cell : cells) {
    const bool is_known = std::any_of(rows.begin(), rows.end(), [&cell](const Row& row) {
      return row.cells.front().value == cell.value;
    });
    if (!is_known) rows.push_back({{cell}, where});
  }
  return rows;
}

// A value that the sweep has a label for keeps it, so that plots keep their names.
void keep_labels(const Axis& axis, std::vector<Row>& rows) {
  for (Row& row : rows) {
    for (const Row& old : axis.rows) {
      if (old.cells.front().value == row.cells.front().value) row.cells = old.cells;
    }
  }
}

void override_axis(Sweep& sweep, const std::string& written) {
  const Place where{"-a " + written};
  const size_t equals = written.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw SweepError(where, "this is no axis=values", "write -a seqlen=1024,2048");
  }
  const std::string name(trim(written.substr(0, equals)));
  std::vector<Row> rows =
      at(where, [&] { return rows_of(cells_of_text(name, written.substr(equals + 1)), where); });
  for (Axis& axis : sweep.axes) {
    if (std::find(axis.names.begin(), axis.names.end(), name) == axis.names.end()) continue;
    if (axis.names.size() > 1) {
      throw SweepError(
          where, fmt::format("{} is zipped: {} change together", name, join(axis.names, ", ")),
          "choose among its rows with --filter");
    }
    keep_labels(axis, rows);
    axis.rows = std::move(rows);
    axis.where = where;
    return;
  }
  // What was fixed gives way. "seqlen" decides two fields, so it displaces both.
  const std::vector<std::string> decided = fields_set_by(name);
  std::erase_if(sweep.problem, [&](const Setting& setting) {
    return setting.name == name ||
           std::find(decided.begin(), decided.end(), setting.name) != decided.end();
  });
  if (is_problem_field(name) && rows.size() == 1) {
    sweep.problem.push_back({name, rows.front().cells.front(), where});
    return;
  }
  if (rows.size() > 1) sweep.plot.name_template += fmt::format("-{0}={{{0}}}", name);
  sweep.axes.insert(sweep.axes.begin(), Axis{{name}, std::move(rows), where});
}

// `option` takes several, "a,b".
Line line_of(const std::string& id, const std::string& option, const Place& where) {
  if (id.empty()) throw SweepError(where, "an empty id", fmt::format("write {} a,b", option));
  Line line;
  line.id = line.label = id;
  line.where = where;
  return line;
}

void choose_lines(Sweep& sweep, const std::vector<std::string>& providers) {
  const Place where{"--providers " + join(providers, ",")};
  std::vector<Line> chosen;
  for (const std::string& id : providers) {
    const Line newcomer = line_of(id, "--providers", where);
    const size_t before = chosen.size();
    for (const Line& line : sweep.lines) {
      if (line.id != id) continue;
      chosen.push_back(line);
      chosen.back().is_optional = false;  // asked for by name: its absence must not pass in silence
      chosen.back().is_overlay = false;
    }
    if (chosen.size() == before) chosen.push_back(newcomer);
  }
  sweep.lines = std::move(chosen);
}

void add_overlays(Sweep& sweep, const std::vector<std::string>& overlays) {
  const Place where{"--overlay " + join(overlays, ",")};
  for (const std::string& id : overlays) {
    Line line = line_of(id, "--overlay", where);
    const bool is_there = std::any_of(sweep.lines.begin(), sweep.lines.end(),
                                      [&id](const Line& other) { return other.id == id; });
    if (is_there) {
      throw SweepError(where, fmt::format("\"{}\" is a line already", id),
                       "leave it out, or give the sweep's file a second line with a label");
    }
    line.is_overlay = true;
    sweep.lines.push_back(line);
  }
}

// Values that are no longer in the grid exclude nothing; the sweep should not speak of them.
void prune_excludes(Sweep& sweep) {
  for (Exclude& exclude : sweep.excludes) {
    for (Condition& condition : exclude.conditions) {
      const std::vector<OptionValue> valid = values_of(sweep, condition.name);
      std::erase_if(condition.values, [&valid](const OptionValue& value) {
        return std::find(valid.begin(), valid.end(), value) == valid.end();
      });
    }
  }
  std::erase_if(sweep.excludes, [](const Exclude& exclude) {
    return std::any_of(exclude.conditions.begin(), exclude.conditions.end(),
                       [](const Condition& condition) { return condition.values.empty(); });
  });
}

}  // namespace

Sweep apply(Sweep sweep, const Overrides& overrides) {
  for (const std::string& axis : overrides.axes) override_axis(sweep, axis);
  if (!overrides.providers.empty()) choose_lines(sweep, overrides.providers);
  add_overlays(sweep, overrides.overlays);
  for (const std::string& filter : overrides.filters) {
    at(Place{"--filter"}, [&filter] { Filter{{filter}}; });
    sweep.filters.push_back(filter);
  }
  prune_excludes(sweep);
  check_sweep(sweep);
  return sweep;
}

}  // namespace attnbench
