#include "compare/comparison_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/text.h"
#include "report/rows.h"

namespace attnbench {
namespace {

constexpr size_t kMaxTerminalRows = 200;  // more is for --json and --html

Color color_of(RowVerdict verdict) {
  switch (verdict) {
    case RowVerdict::faster:
      return Color::green;
    case RowVerdict::slower:
    case RowVerdict::broken:
      return Color::red;
    case RowVerdict::ambiguous:
    case RowVerdict::missing:
      return Color::yellow;
    case RowVerdict::same:
      break;
  }
  return Color::none;
}

// What a reader looks for first.
int urgency(const ComparedRow& row) {
  if (row.is_regression()) return 0;
  if (row.verdict == RowVerdict::same) return 3;
  return row.verdict == RowVerdict::faster ? 1 : 2;
}

std::vector<const ComparedRow*> shown_rows(const Comparison& comparison, size_t max_rows) {
  std::vector<const ComparedRow*> rows;
  for (const ComparedRow& row : comparison.rows) rows.push_back(&row);
  if (rows.size() <= max_rows) return rows;
  std::stable_sort(rows.begin(), rows.end(), [](const ComparedRow* a, const ComparedRow* b) {
    return urgency(*a) < urgency(*b);
  });
  rows.resize(max_rows);
  return rows;
}

std::string percent(double log_ratio) {
  if (std::isinf(log_ratio)) return log_ratio < 0 ? "-∞" : "+∞";
  return fmt::format("{:+.1f}", 100.0 * std::expm1(log_ratio));
}

// What varies is found in records; these have no samples, which may be millions.
AxisSplit axes_of(const std::vector<const ComparedRow*>& rows) {
  std::vector<Record> light;
  for (const ComparedRow* row : rows) {
    Record record;
    record.trial = row->any().trial;
    light.push_back(std::move(record));
  }
  return split_axes(light);
}

bool compares_lines(const Comparison& comparison) {
  return std::any_of(comparison.rows.begin(), comparison.rows.end(), [](const ComparedRow& row) {
    const auto& [base, contender] = row.trials;
    return base != nullptr && contender != nullptr && base->trial_id != contender->trial_id;
  });
}

std::vector<TableCell> cells_of(const ComparedRow& row) {
  std::vector<TableCell> cells;
  if (row.has_times()) {
    const Estimate& estimate = row.estimate;
    cells = {{fmt::format("{:.4g}", row.base_ms)},
             {fmt::format("{:.4g}", row.contender_ms)},
             {percent(estimate.log_ratio)},
             {percent(estimate.log_low) + " to " + percent(estimate.log_high)}};
  } else {
    cells.assign(4, {"-", Color::dim});
  }
  cells.push_back({std::string(enum_to_text(kRowVerdicts, row.verdict)), color_of(row.verdict)});
  cells.push_back({row.reason});
  return cells;
}

std::string mean_text(const std::string& of, const GeometricMean& mean) {
  if (mean.n_used == 0)
    return fmt::format("{}: no row is ok on both sides of {}", of, mean.n_total);
  return fmt::format("{}: new / base = {:.4f} ({:+.2f} %), geometric mean of {} of {} rows", of,
                     mean.ratio, 100.0 * (mean.ratio - 1.0), mean.n_used, mean.n_total);
}

void add_provider_means(const Comparison& comparison, std::vector<std::string>* lines) {
  std::map<std::string, std::vector<const ComparedRow*>> providers;
  for (const ComparedRow& row : comparison.rows) {
    providers[row.any().trial.provider].push_back(&row);
  }
  if (providers.size() < 2) return;
  for (const auto& [provider, rows] : providers) {
    lines->push_back(mean_text("  " + provider, geometric_mean(rows)));
  }
}

}  // namespace

ComparisonTable comparison_table(const Comparison& comparison, size_t max_rows) {
  const std::vector<const ComparedRow*> rows = shown_rows(comparison, max_rows);
  const AxisSplit split = axes_of(rows);
  ComparisonTable table;
  table.common = split.common;
  // Of two lines the title tells who they are.
  const bool has_providers = !compares_lines(comparison);
  if (has_providers) table.columns = {{"provider", Align::left, 4, 10}};
  for (const ResultAxis& axis : split.varying) table.columns.push_back({axis.name, Align::right});
  table.columns.push_back({"base ms", Align::right, 2});
  table.columns.push_back({"new ms", Align::right, 1});
  table.columns.push_back({"change %", Align::right});
  table.columns.push_back(
      {fmt::format("{:g} % interval", 100.0 * (1.0 - comparison.settings.alpha)), Align::right, 3});
  table.columns.push_back({"verdict"});
  table.columns.push_back({"", Align::left, 5, 20});
  for (size_t i = 0; i < rows.size(); ++i) {
    std::vector<TableCell> cells;
    if (has_providers) cells.push_back({rows[i]->any().trial.provider});
    for (const ResultAxis& axis : split.varying) cells.push_back({axis.values[i]});
    for (TableCell& cell : cells_of(*rows[i])) cells.push_back(std::move(cell));
    table.rows.push_back(std::move(cells));
  }
  return table;
}

std::vector<std::string> comparison_summary(const Comparison& comparison) {
  std::vector<std::string> counts;
  for (const EnumText<RowVerdict>& verdict : kRowVerdicts) {
    const size_t count = comparison.count(verdict.value);
    if (count > 0) counts.push_back(fmt::format("{} {}", count, verdict.text));
  }
  std::vector<std::string> lines = {
      fmt::format("{} rows: {}", comparison.rows.size(), join(counts, ", ")),
      mean_text("all", comparison.mean)};
  if (!compares_lines(comparison)) add_provider_means(comparison, &lines);
  size_t few = 0;
  for (const ComparedRow& row : comparison.rows) {
    few += row.verdict == RowVerdict::ambiguous && row.rounds < comparison.settings.min_rounds;
  }
  if (few > 0) {
    lines.push_back(fmt::format(
        "AMBIGUOUS for too few rounds: {}; below {} rounds only changes above {:g} % count "
        "(`run --effort headline` measures 16 or more)",
        few, comparison.settings.min_rounds, 100.0 * comparison.settings.min_effect_of_few_rounds));
  }
  return lines;
}

std::string comparison_text(const Comparison& comparison, const ComparisonTitle& title,
                            const TerminalStyle& style) {
  std::string text =
      fmt::format("base: {}\nnew:  {}\n", printable(title.base), printable(title.contender));
  if (comparison.rows.empty()) return text + "no trial is in either\n";
  const ComparisonTable rows = comparison_table(comparison, kMaxTerminalRows);
  if (!rows.common.empty()) text += printable(rows.common) + "\n";
  TextTable table(rows.columns);
  for (const std::vector<TableCell>& cells : rows.rows) table.add_row(cells);
  text += table.text(style);
  if (rows.rows.size() < comparison.rows.size()) {
    text += fmt::format("... and {} more rows; --json and --html have all\n",
                        comparison.rows.size() - rows.rows.size());
  }
  text += "\n";
  for (const std::string& line : comparison_summary(comparison)) text += printable(line) + "\n";
  return text;
}

}  // namespace attnbench
