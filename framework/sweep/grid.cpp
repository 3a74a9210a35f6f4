#include "sweep/grid.h"

#include <algorithm>
#include <map>
#include <utility>

#include "sweep/fields.h"

namespace attnbench {
namespace {

// Rows of `among` that agree in `columns`, in order of first appearance.
std::vector<RowSet> partition(const Axis& axis, const RowSet& among,
                              const std::vector<size_t>& columns) {
  std::vector<RowSet> parts;
  std::map<std::vector<OptionValue>, size_t> part_of;
  for (size_t row : among) {
    std::vector<OptionValue> values;
    for (size_t column : columns) values.push_back(axis.rows[row].cells[column].value);
    const auto [known, is_new] = part_of.try_emplace(values, parts.size());
    if (is_new) parts.emplace_back();
    parts[known->second].push_back(row);
  }
  return parts;
}

bool contains(const std::vector<OptionValue>& values, const OptionValue& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

std::vector<RowSet> problem_groups(const Axis& axis) {
  std::vector<size_t> fields;
  for (size_t i = 0; i < axis.names.size(); ++i) {
    if (is_problem_field(axis.names[i])) fields.push_back(i);
  }
  RowSet all(axis.rows.size());
  for (size_t i = 0; i < all.size(); ++i) all[i] = i;
  return partition(axis, all, fields);
}

}  // namespace

Odometer::Odometer(std::vector<size_t> sizes)
    : sizes_(std::move(sizes)), digits_(sizes_.size(), 0) {
  is_done_ = std::find(sizes_.begin(), sizes_.end(), size_t{0}) != sizes_.end();
}

void Odometer::advance() {
  for (size_t i = sizes_.size(); i-- > 0;) {
    if (++digits_[i] < sizes_[i]) return;
    digits_[i] = 0;
  }
  is_done_ = true;
}

Grid::Grid(const Sweep& sweep, std::vector<PlannedLine> lines)
    : sweep_(sweep), lines_(std::move(lines)) {
  for (const Axis& axis : sweep.axes) groups_.push_back(problem_groups(axis));
  for (const PlannedLine& line : lines_) {
    line_axes_.push_back(line_axes(line));
    if (std::find(devices_.begin(), devices_.end(), line.device) == devices_.end()) {
      devices_.push_back(line.device);
    }
  }
  for (const Exclude& exclude : sweep.excludes) {
    std::vector<GridCondition> conditions;
    for (const Condition& condition : exclude.conditions) {
      GridCondition found;
      for (size_t a = 0; a < sweep.axes.size(); ++a) {
        const std::vector<std::string>& names = sweep.axes[a].names;
        const auto name = std::find(names.begin(), names.end(), condition.name);
        if (name == names.end()) continue;
        found.axis = static_cast<int>(a);
        for (const Row& row : sweep.axes[a].rows) {
          const size_t column = static_cast<size_t>(name - names.begin());
          found.holds.push_back(contains(condition.values, row.cells[column].value));
        }
      }
      if (found.axis < 0) {
        for (const PlannedLine& line : lines_) {
          found.holds.push_back(contains(condition.values, line.line.id));
        }
      }
      conditions.push_back(std::move(found));
    }
    excludes_.push_back(std::move(conditions));
  }
}

std::vector<Grid::LineAxis> Grid::line_axes(const PlannedLine& line) const {
  std::vector<LineAxis> axes;
  for (size_t a = 0; a < sweep_.axes.size(); ++a) {
    const Axis& axis = sweep_.axes[a];
    LineAxis own;
    for (size_t i = 0; i < axis.names.size(); ++i) {
      const std::string& name = axis.names[i];
      const bool is_declared =
          std::find(line.declared.begin(), line.declared.end(), name) != line.declared.end();
      if (!is_problem_field(name) && is_declared && !line.line.options.contains(name)) {
        own.option_columns.push_back(i);
      }
    }
    for (const RowSet& group : groups_[a]) {
      own.classes.push_back(partition(axis, group, own.option_columns));
    }
    axes.push_back(std::move(own));
  }
  return axes;
}

std::vector<size_t> Grid::row_counts() const {
  std::vector<size_t> counts;
  for (const Axis& axis : sweep_.axes) counts.push_back(axis.rows.size());
  return counts;
}

std::vector<size_t> Grid::group_counts() const {
  std::vector<size_t> counts;
  for (const std::vector<RowSet>& groups : groups_) counts.push_back(groups.size());
  return counts;
}

std::vector<size_t> Grid::class_counts(size_t line, const std::vector<size_t>& groups) const {
  std::vector<size_t> counts(groups.size());
  for (size_t a = 0; a < groups.size(); ++a) {
    counts[a] = line_axes_[line][a].classes[groups[a]].size();
  }
  return counts;
}

std::vector<size_t> Grid::rows_of_groups(const std::vector<size_t>& groups) const {
  std::vector<size_t> rows(groups.size());
  for (size_t a = 0; a < groups.size(); ++a) rows[a] = groups_[a][groups[a]].front();
  return rows;
}

std::vector<size_t> Grid::rows_of_classes(size_t line, const std::vector<size_t>& groups,
                                          const std::vector<size_t>& classes) const {
  std::vector<size_t> rows(groups.size());
  for (size_t a = 0; a < groups.size(); ++a) {
    rows[a] = line_axes_[line][a].classes[groups[a]][classes[a]].front();
  }
  return rows;
}

Problem Grid::problem(const std::vector<size_t>& rows) const {
  Problem problem;
  problem.inputs = sweep_.inputs;
  problem.kv_heads = 0;  // until something sets it, it is heads
  for (const Setting& setting : sweep_.problem) {
    set_field(problem, setting.name, setting.cell.value);
  }
  for (size_t a = 0; a < rows.size(); ++a) {
    const Axis& axis = sweep_.axes[a];
    for (size_t i = 0; i < axis.names.size(); ++i) {
      if (!is_problem_field(axis.names[i])) continue;
      set_field(problem, axis.names[i], axis.rows[rows[a]].cells[i].value);
    }
  }
  if (problem.kv_heads == 0) problem.kv_heads = problem.heads;
  return problem;
}

Options Grid::options(size_t line, const std::vector<size_t>& rows) const {
  Options options = lines_[line].line.options;
  for (size_t a = 0; a < rows.size(); ++a) {
    const Axis& axis = sweep_.axes[a];
    for (size_t column : line_axes_[line][a].option_columns) {
      options[axis.names[column]] = axis.rows[rows[a]].cells[column].value;
    }
  }
  return options;
}

bool Grid::is_excluded(size_t line, const std::vector<size_t>& rows) const {
  return std::any_of(excludes_.begin(), excludes_.end(), [&](const auto& conditions) {
    return std::all_of(conditions.begin(), conditions.end(), [&](const GridCondition& condition) {
      return condition.holds[condition.axis < 0 ? line : rows[static_cast<size_t>(condition.axis)]];
    });
  });
}

bool Grid::has_any_point(size_t line, const std::vector<RowSet>& candidates) const {
  std::vector<size_t> counts;
  for (const RowSet& rows : candidates) counts.push_back(rows.size());
  std::vector<size_t> rows(candidates.size());
  for (Odometer odometer(counts); !odometer.is_done(); odometer.advance()) {
    for (size_t a = 0; a < rows.size(); ++a) rows[a] = candidates[a][odometer.digits()[a]];
    if (!is_excluded(line, rows)) return true;
  }
  return false;
}

bool Grid::has_points(size_t line, const std::vector<size_t>& groups,
                      const std::vector<size_t>& classes) const {
  if (is_plain()) return true;
  std::vector<RowSet> candidates;
  for (size_t a = 0; a < groups.size(); ++a) {
    candidates.push_back(line_axes_[line][a].classes[groups[a]][classes[a]]);
  }
  return has_any_point(line, candidates);
}

bool Grid::is_repeated(size_t line, const std::vector<size_t>& groups,
                       const Options& options) const {
  for (size_t other = 0; other < line; ++other) {
    const PlannedLine& earlier = lines_[other];
    if (earlier.line.id != lines_[line].line.id || earlier.device != lines_[line].device) continue;
    const Options& own = earlier.line.options;
    size_t options_of_other = own.size();
    bool is_possible = std::all_of(own.begin(), own.end(), [&options](const auto& option) {
      const auto found = options.find(option.first);
      return found != options.end() && found->second == option.second;
    });
    std::vector<RowSet> candidates(groups.size());
    for (size_t a = 0; a < groups.size() && is_possible; ++a) {
      const Axis& axis = sweep_.axes[a];
      const std::vector<size_t>& columns = line_axes_[other][a].option_columns;
      options_of_other += columns.size();
      for (size_t row : groups_[a][groups[a]]) {
        const bool agrees = std::all_of(columns.begin(), columns.end(), [&](size_t column) {
          const auto found = options.find(axis.names[column]);
          return found != options.end() && found->second == axis.rows[row].cells[column].value;
        });
        if (agrees) candidates[a].push_back(row);
      }
    }
    if (is_possible && options_of_other == options.size() && has_any_point(other, candidates)) {
      return true;
    }
  }
  return false;
}

}  // namespace attnbench
