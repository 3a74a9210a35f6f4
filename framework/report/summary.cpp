#include "report/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "base/text.h"
#include "model/statistics.h"
#include "model/work.h"
#include "report/html_text.h"
#include "report/rows.h"
#include "report/table.h"

namespace attnbench {
namespace {

constexpr std::string_view kNothing = "-";  // an unmeasured cell: never a number

// One number of decimals for a column, so that its points stand under each other: the smallest
// value keeps three significant digits.
int decimals_for(const std::vector<double>& values) {
  double smallest = INFINITY;
  for (const double value : values) {
    if (value > 0.0) smallest = std::min(smallest, value);
  }
  if (!std::isfinite(smallest)) return 3;
  return std::clamp(2 - static_cast<int>(std::floor(std::log10(smallest))), 0, 6);
}

struct Measured {
  double median_ms = 0.0;
  double half_width = 0.0;
  double tflops = 0.0;
};

Measured measured(const Record& record) {
  if (!record.is_ok()) return {};
  const Summary summary = summarise(record.samples_ms);
  return {summary.median, summary.half_width(),
          flops(record.trial.problem) / (summary.median * 1e9)};
}

Color color_of(Outcome outcome) {
  if (outcome == Outcome::ok) return Color::green;
  return traits_of(outcome).is_answer ? Color::yellow : Color::red;
}

std::string outcome_text(const Record& record) {
  const std::string text(to_text(record.outcome));
  return record.detail.empty() ? text : fmt::format("{} ({})", text, record.detail);
}

std::vector<TableColumn> result_columns(const std::vector<ResultAxis>& axes) {
  std::vector<TableColumn> columns = {{"provider", Align::left, 0, 10}};
  for (const ResultAxis& axis : axes) columns.push_back({axis.name, Align::right, 0, 0});
  columns.push_back({"median ms", Align::right, 0, 0});
  columns.push_back({"±%", Align::right, 2, 0});
  columns.push_back({"TFLOP/s", Align::right, 1, 0});
  columns.push_back({"max error", Align::right, 3, 0});
  columns.push_back({"outcome", Align::left, 0, 0});
  return columns;
}

void count_outcomes(const std::vector<Record>& records, std::vector<std::string>* parts) {
  for (const OutcomeTraits& traits : all_outcomes()) {
    const auto count = std::count_if(records.begin(), records.end(), [&](const Record& record) {
      return record.outcome == traits.outcome;
    });
    if (count > 0) parts->push_back(fmt::format("{} {}", count, traits.text));
  }
}

// The first `shown` of these records (grouped by case), one row each.
TextTable table_of(const std::vector<Record>& records, const AxisSplit& split, size_t shown) {
  std::vector<Measured> numbers;
  std::vector<double> medians, tflops;
  for (size_t row = 0; row < shown; ++row) {
    numbers.push_back(measured(records[row]));
    medians.push_back(numbers.back().median_ms);
    tflops.push_back(numbers.back().tflops);
  }
  const int median_decimals = decimals_for(medians);
  const int tflops_decimals = decimals_for(tflops);

  TextTable table(result_columns(split.varying));
  for (size_t row = 0; row < shown; ++row) {
    const Record& record = records[row];
    const Measured& number = numbers[row];
    std::vector<TableCell> cells = {{record.trial.provider, Color::none}};
    for (const ResultAxis& axis : split.varying) cells.push_back({axis.values[row], Color::none});
    if (record.is_ok()) {
      cells.push_back({fmt::format("{:.{}f}", number.median_ms, median_decimals), Color::none});
      cells.push_back({fmt::format("{:.1f}", 100.0 * number.half_width), Color::none});
      cells.push_back({fmt::format("{:.{}f}", number.tflops, tflops_decimals), Color::none});
    } else {
      cells.insert(cells.end(), 3, TableCell{std::string(kNothing), Color::dim});
    }
    cells.push_back(
        {record.errors.empty() ? std::string(kNothing) : fmt::format("{:.1e}", record.max_error()),
         Color::none});
    cells.push_back({outcome_text(record), color_of(record.outcome)});
    table.add_row(std::move(cells));
  }
  return table;
}

}  // namespace

std::string results_table(const std::vector<Record>& all_records, const TerminalStyle& style) {
  const std::vector<Record> records = grouped_by_case(all_records);
  const AxisSplit split = split_axes(records);
  const size_t shown = std::min(records.size(), kMaxTableRows);
  std::string text;
  if (!split.common.empty()) text += printable(split.common) + "\n";
  text += table_of(records, split, shown).text(style);
  if (shown < records.size()) {
    text += fmt::format("... and {} more rows, in results.jsonl\n", records.size() - shown);
  }
  return text;
}

std::string results_markdown(const std::vector<Record>& all_records) {
  const std::vector<Record> records = grouped_by_case(all_records);
  const AxisSplit split = split_axes(records);
  return fmt::format("{}\n\n{}\n{}\n", markdown_escaped(split.common),
                     table_of(records, split, records.size()).markdown(), outcome_counts(records));
}

std::string outcome_counts(const std::vector<Record>& records) {
  std::vector<std::string> parts;
  count_outcomes(records, &parts);
  const std::string total =
      fmt::format("{} trial{}", records.size(), records.size() == 1 ? "" : "s");
  return parts.empty() ? total : total + ": " + join(parts, ", ");
}

std::string first_failures(const std::vector<Record>& records, const TerminalStyle& style) {
  struct Group {
    const Record* first;
    size_t count;
  };
  // A provider that cannot load fails every trial with one message: that is one thing to read.
  std::map<std::tuple<std::string, Outcome, std::string>, size_t> known;
  std::vector<Group> groups;
  size_t failures = 0;
  for (const Record& record : records) {
    if (record.is_ok()) continue;
    ++failures;
    const auto [entry, is_new] =
        known.try_emplace({record.trial.provider, record.outcome, record.message}, groups.size());
    if (is_new) groups.push_back({&record, 0});
    ++groups[entry->second].count;
  }
  if (groups.empty()) return "";
  std::stable_sort(groups.begin(), groups.end(), [](const Group& a, const Group& b) {
    return !traits_of(a.first->outcome).is_answer && traits_of(b.first->outcome).is_answer;
  });

  std::string text = fmt::format("{} not measured:\n", failures);
  for (size_t i = 0; i < std::min(groups.size(), kMaxFailures); ++i) {
    const Record& record = *groups[i].first;
    const std::string options = to_text(record.trial.options);
    const std::string outcome =
        colored(printable(outcome_text(record)), color_of(record.outcome), style);
    text += fmt::format("  {} {}{}{}: {}\n", printable(record.trial.provider),
                        to_text(record.trial.problem), options.empty() ? "" : " ",
                        printable(options), outcome);
    if (!record.message.empty()) text += fmt::format("    {}\n", printable(record.message));
    if (groups[i].count > 1) text += fmt::format("    and {} more like it\n", groups[i].count - 1);
  }
  if (groups.size() > kMaxFailures) {
    text += fmt::format("  ... {} more kinds, in results.jsonl\n", groups.size() - kMaxFailures);
  }
  return text;
}

std::string warnings_text(const std::vector<Record>& records) {
  std::map<std::pair<std::string, std::string>, size_t> counts;
  for (const Record& record : records) {
    for (const std::string& warning : record.warnings) ++counts[{record.trial.provider, warning}];
  }
  if (counts.empty()) return "";
  std::string text = "warnings:\n";
  size_t shown = 0;
  for (const auto& [key, count] : counts) {
    if (shown++ == kMaxFailures) {
      text += fmt::format("  ... {} more kinds, in results.jsonl\n", counts.size() - kMaxFailures);
      break;
    }
    text += fmt::format("  {}: {}{}\n", printable(key.first), printable(key.second),
                        count == 1 ? "" : fmt::format(" ({} trials)", count));
  }
  return text;
}

std::string run_summary(const std::vector<Record>& records, const TerminalStyle& style) {
  if (records.empty()) return "no trial was finished\n";
  std::string text = results_table(records, style) + "\n" + outcome_counts(records) + "\n";
  for (const std::string& part : {first_failures(records, style), warnings_text(records)}) {
    if (!part.empty()) text += "\n" + part;
  }
  return text;
}

std::string harness_text(const HarnessTime& time) {
  if (time.wall_seconds <= 0.0) return "";
  return fmt::format(
      "harness efficiency {:.2f}: {:.1f} s of {:.1f} s in heat-ups, warm-ups and bursts\n",
      time.efficiency(), time.busy_seconds, time.wall_seconds);
}

bool has_fault(const std::vector<Record>& records) {
  return std::any_of(records.begin(), records.end(), [](const Record& record) {
    return !record.is_ok() && !traits_of(record.outcome).is_answer;
  });
}

}  // namespace attnbench
