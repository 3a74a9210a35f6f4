#include "sweep/expand.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include "base/hash.h"
#include "base/text.h"
#include "sweep/check.h"
#include "sweep/fields.h"
#include "sweep/filter.h"
#include "sweep/grid.h"
#include "sweep/lines.h"
#include "sweep/name_template.h"

namespace attnbench {
namespace {

constexpr double kMostPoints = 10e6;  // at a second each, four months

struct Column {
  size_t axis = 0;
  size_t index = 0;
};

Column column_of(const Sweep& sweep, const std::string& name) {
  for (size_t a = 0; a < sweep.axes.size(); ++a) {
    const std::vector<std::string>& names = sweep.axes[a].names;
    const auto found = std::find(names.begin(), names.end(), name);
    if (found != names.end()) return {a, static_cast<size_t>(found - names.begin())};
  }
  throw Error(fmt::format("\"{}\" is no axis", name));  // check_sweep has been skipped
}

// Where the reader can change a field.
std::optional<Place> place_of(const Sweep& sweep, const std::string& name) {
  if (const Axis* axis = find_axis(sweep, name)) return axis->where;
  for (const Setting& setting : sweep.problem) {
    if (setting.name == name) return setting.where;
  }
  return std::nullopt;
}

// What each value allows alone may be forbidden together: kv_heads must divide heads.
void check_problem_at(const Sweep& sweep, const Problem& problem) {
  std::optional<Place> where = place_of(sweep, "kv_heads");
  if (!where) where = place_of(sweep, "heads");
  at(*where, [&problem] { check_problem(problem); });
}

void check_size(const Sweep& sweep) {
  double points = static_cast<double>(sweep.lines.size());
  const Axis* longest = nullptr;
  for (const Axis& axis : sweep.axes) {
    points *= static_cast<double>(axis.rows.size());
    if (longest == nullptr || axis.rows.size() > longest->rows.size()) longest = &axis;
  }
  if (points <= kMostPoints) return;
  throw SweepError(
      longest->where, fmt::format("the axes and providers multiply to {:.0f} points", points),
      fmt::format("shorten them, or split the sweep; the limit is {:.0f}", kMostPoints));
}

}  // namespace

struct Plan::Impl {
  Sweep sweep;
  Grid grid;
  Filter filter;
  std::vector<std::string> notes;
  std::vector<TemplatePart> name_parts;
  std::vector<Column> name_columns;  // of those parts that are fields, in order
  Column x;
  PlanCounts counts;

  Impl(const Sweep& source, std::vector<PlannedLine> lines)
      : sweep(source), grid(sweep, std::move(lines)), filter(sweep.filters) {
    name_parts = parse_template(sweep.plot.name_template);
    for (const TemplatePart& part : name_parts) {
      if (part.is_field) name_columns.push_back(column_of(sweep, part.text));
    }
    x = column_of(sweep, sweep.plot.x);
  }
  // The grid refers to the sweep beside it.
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  const Cell& cell(const Column& column, size_t row) const {
    return sweep.axes[column.axis].rows[row].cells[column.index];
  }

  std::string plot_name(const std::vector<size_t>& rows) const {
    std::string name;
    size_t field = 0;
    for (const TemplatePart& part : name_parts) {
      if (part.is_field) {
        const Column& column = name_columns[field++];
        name += cell(column, rows[column.axis]).label;
      } else {
        name += part.text;
      }
    }
    return name;
  }

  Trial trial(size_t line, const std::vector<size_t>& rows) const {
    const PlannedLine& planned = grid.lines()[line];
    return {planned.line.id, grid.options(line, rows), grid.problem(rows), planned.device};
  }

  bool has_point(size_t line, const std::vector<size_t>& rows) const {
    if (grid.is_excluded(line, rows)) return false;
    return filter.is_empty() || filter.matches(trial(line, rows));
  }

  // Calls visit(rows) with the rows of every plot's first x.
  template <typename Visit>
  void for_each_plot_rows(const Visit& visit) const {
    std::vector<size_t> counts_of_rows = grid.row_counts();
    counts_of_rows[x.axis] = 1;
    for (Odometer odometer(counts_of_rows); !odometer.is_done(); odometer.advance()) {
      if (!visit(odometer.digits())) return;
    }
  }

  int64_t points_of_plot(std::vector<size_t> rows) const {
    const size_t xs = sweep.axes[x.axis].rows.size();
    if (grid.is_plain() && filter.is_empty()) return static_cast<int64_t>(xs * grid.lines().size());
    int64_t points = 0;
    for (rows[x.axis] = 0; rows[x.axis] < xs; ++rows[x.axis]) {
      for (size_t line = 0; line < grid.lines().size(); ++line) {
        if (has_point(line, rows)) ++points;
      }
    }
    return points;
  }

  void count();
  void check_x() const;
  void check_labels() const;
  [[noreturn]] void fail_same_name(uint64_t hash) const;
};

namespace {

uint64_t hash_of(const std::string& text) {
  return hash_bytes(std::as_bytes(std::span(text)));
}

}  // namespace

// A zipped axis may repeat a value of one of its names; as x that would fold the line back.
void Plan::Impl::check_x() const {
  std::set<OptionValue> seen;
  const Axis& axis = sweep.axes[x.axis];
  for (size_t row = 0; row < axis.rows.size(); ++row) {
    if (seen.insert(cell(x, row).value).second) continue;
    throw SweepError(
        axis.rows[row].where,
        fmt::format("{} has {} twice, and it is plot.x", sweep.plot.x, cell(x, row).label),
        "draw another axis as x, or split the rows into two axes");
  }
}

// Two plots that differ in one axis only must differ in name; the usual mistake, told by its axis.
void Plan::Impl::check_labels() const {
  for (size_t a = 0; a < sweep.axes.size(); ++a) {
    const Axis& axis = sweep.axes[a];
    if (a == x.axis) continue;
    std::set<std::vector<std::string>> seen;
    for (const Row& row : axis.rows) {
      std::vector<std::string> labels;
      for (const Column& column : name_columns) {
        if (column.axis == a) labels.push_back(row.cells[column.index].label);
      }
      if (seen.insert(labels).second) continue;
      const std::string names = join(axis.names, ", ");
      throw SweepError(
          sweep.plot.name_where, fmt::format("plots of different {} would share one name", names),
          labels.empty() ? fmt::format("add {{{}}} to plot.name", axis.names.front())
                         : fmt::format("give the values of {} different labels", names));
    }
  }
}

void Plan::Impl::fail_same_name(uint64_t hash) const {
  std::string name;
  for_each_plot_rows([&](const std::vector<size_t>& rows) {
    name = plot_name(rows);
    return hash_of(name) != hash;
  });
  throw SweepError(sweep.plot.name_where, fmt::format("two plots would be called \"{}\"", name),
                   "put a letter between the fields of plot.name");
}

void Plan::Impl::count() {
  std::vector<uint64_t> name_hashes;
  for_each_plot_rows([&](const std::vector<size_t>& rows) {
    const int64_t points = points_of_plot(rows);
    if (points == 0) return true;
    counts.points += points;
    ++counts.plots;
    const std::string name = plot_name(rows);
    at(sweep.plot.name_where, [&name] { check_file_name(name); });
    name_hashes.push_back(hash_of(name));
    return true;
  });
  std::sort(name_hashes.begin(), name_hashes.end());
  const auto same = std::adjacent_find(name_hashes.begin(), name_hashes.end());
  if (same != name_hashes.end()) fail_same_name(*same);
}

Plan::Plan(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Plan::Plan(Plan&&) noexcept = default;
Plan& Plan::operator=(Plan&&) noexcept = default;
Plan::~Plan() = default;

const Sweep& Plan::sweep() const {
  return impl_->sweep;
}
const std::vector<PlannedLine>& Plan::lines() const {
  return impl_->grid.lines();
}
const std::vector<std::string>& Plan::notes() const {
  return impl_->notes;
}
const PlanCounts& Plan::counts() const {
  return impl_->counts;
}

void Plan::for_each_trial(const std::function<bool(const Trial&, int64_t)>& visit) const {
  const Grid& grid = impl_->grid;
  int64_t case_index = -1;
  for (Odometer cases(grid.group_counts()); !cases.is_done(); cases.advance()) {
    const std::vector<size_t>& groups = cases.digits();
    Trial trial;
    trial.problem = grid.problem(grid.rows_of_groups(groups));
    for (const std::string& device : grid.devices()) {
      trial.device = device;
      bool is_new_case = true;
      for (size_t line = 0; line < grid.lines().size(); ++line) {
        if (grid.lines()[line].device != device) continue;
        trial.provider = grid.lines()[line].line.id;
        for (Odometer classes(grid.class_counts(line, groups)); !classes.is_done();
             classes.advance()) {
          if (!grid.has_points(line, groups, classes.digits())) continue;
          trial.options = grid.options(line, grid.rows_of_classes(line, groups, classes.digits()));
          if (grid.is_repeated(line, groups, trial.options)) continue;
          if (!impl_->filter.matches(trial)) continue;
          if (is_new_case) ++case_index;
          is_new_case = false;
          if (!visit(trial, case_index)) return;
        }
      }
    }
  }
}

void Plan::for_each_plot(const std::function<bool(const Plot&)>& visit) const {
  const Impl& impl = *impl_;
  const Axis& x_axis = impl.sweep.axes[impl.x.axis];
  Plot plot;
  for (size_t row = 0; row < x_axis.rows.size(); ++row) {
    const Cell& cell = impl.cell(impl.x, row);
    plot.x_labels.push_back(cell.label);
    plot.is_x_number = plot.is_x_number && !std::holds_alternative<std::string>(cell.value);
  }
  for (size_t row = 0; row < x_axis.rows.size(); ++row) {
    const OptionValue& value = impl.cell(impl.x, row).value;
    const int64_t* integer = std::get_if<int64_t>(&value);
    plot.x_values.push_back(!plot.is_x_number ? static_cast<double>(row)
                            : integer         ? static_cast<double>(*integer)
                                              : std::get<double>(value));
  }
  impl.for_each_plot_rows([&](std::vector<size_t> rows) {
    plot.lines.clear();
    bool has_points = false;
    for (size_t line = 0; line < lines().size(); ++line) {
      const Line& source = lines()[line].line;
      PlotLine drawn{source.label, source.id, source.color, source.dash, source.is_overlay, {}};
      for (rows[impl.x.axis] = 0; rows[impl.x.axis] < x_axis.rows.size(); ++rows[impl.x.axis]) {
        const bool has_point = impl.has_point(line, rows);
        drawn.trial_ids.push_back(has_point ? trial_id(impl.trial(line, rows)) : "");
        has_points = has_points || has_point;
      }
      plot.lines.push_back(std::move(drawn));
    }
    rows[impl.x.axis] = 0;
    plot.rows = rows;
    plot.name = impl.plot_name(rows);
    return !has_points || visit(plot);
  });
}

Plan expand(const Sweep& sweep, const std::vector<ProviderInfo>& providers,
            const std::vector<std::string>& devices) {
  check_size(sweep);
  LinePlan lines = plan_lines(sweep, providers, devices);
  auto impl = std::make_unique<Plan::Impl>(sweep, std::move(lines.lines));
  impl->notes = std::move(lines.notes);
  impl->check_x();
  impl->check_labels();
  impl->count();
  PlanCounts& counts = impl->counts;
  Plan plan(std::move(impl));
  int64_t checked_case = -1;
  plan.for_each_trial([&](const Trial& trial, int64_t case_index) {
    if (case_index != checked_case) check_problem_at(sweep, trial.problem);
    checked_case = case_index;
    counts.cases = case_index + 1;
    ++counts.trials;
    return true;
  });
  if (counts.trials == 0) {
    throw SweepError({sweep.file, 1, 1}, "nothing is left to measure",
                     "the filters and excludes leave out every trial");
  }
  return plan;
}

}  // namespace attnbench
