#include "compare/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "model/statistics.h"

namespace attnbench {
namespace {

std::string outcome_text(const Record& record) {
  const std::string outcome(to_text(record.outcome));
  return record.detail.empty() ? outcome : fmt::format("{} ({})", outcome, record.detail);
}

int rounds_of(const Record& record) {
  const std::set<int> rounds(record.sample_rounds.begin(), record.sample_rounds.end());
  return std::max<int>(1, static_cast<int>(rounds.size()));
}

// Nothing to be measured: one side is not there, or has no time.
bool settle_without_times(ComparedRow* row) {
  const auto& [base, contender] = row->trials;
  if (base == nullptr || contender == nullptr) {
    row->verdict = RowVerdict::missing;
    row->reason = base == nullptr ? "not in the base" : "only in the base";
    return true;
  }
  if (base->is_ok() && contender->is_ok()) return false;
  row->verdict = RowVerdict::broken;
  if (base->outcome == contender->outcome) {
    row->reason = "both " + outcome_text(*base);
  } else {
    row->reason = fmt::format("{} before, now {}", outcome_text(*base), outcome_text(*contender));
  }
  return true;
}

void measure(ComparedRow* row, bool is_one_run, const CompareSettings& settings) {
  const Record& base = *row->trials.base;
  const Record& contender = *row->trials.contender;
  const Series base_series{base.samples_ms, base.sample_rounds};
  const Series contender_series{contender.samples_ms, contender.sample_rounds};
  row->base_ms = median(base.samples_ms);
  row->contender_ms = median(contender.samples_ms);
  if (is_one_run && took_turns(base, contender)) {
    const std::vector<double> ratios = round_log_ratios(base_series, contender_series);
    row->rounds = static_cast<int>(ratios.size());
    if (row->rounds >= settings.min_rounds) {
      row->estimate = estimate_paired(ratios, settings.alpha);
      return;
    }
  }
  row->rounds = std::min(rounds_of(base), rounds_of(contender));
  row->estimate = estimate_unpaired(base_series, contender_series, settings.alpha);
}

// The slowest sample of one side still lies so far below the fastest of the other. A rank test of
// ten samples cannot be as sure as a table of thousands of rows demands, even where one is ten
// times as fast; this needs no test.
bool are_apart(const ComparedRow& row, double log_distance) {
  const auto& [base, contender] = row.trials;
  const auto [base_min, base_max] =
      std::minmax_element(base->samples_ms.begin(), base->samples_ms.end());
  const auto [new_min, new_max] =
      std::minmax_element(contender->samples_ms.begin(), contender->samples_ms.end());
  const double factor = std::exp(log_distance);
  return *new_min >= factor * *base_max || *base_min >= factor * *new_max;
}

void judge(ComparedRow* row, const CompareSettings& settings) {
  const bool has_rounds = row->rounds >= settings.min_rounds;
  const double least = std::log1p(settings.min_effect);
  const double beyond_luck = std::max(least, std::log1p(settings.min_effect_of_few_rounds));
  const double needed = has_rounds ? least : beyond_luck;
  const Estimate& estimate = row->estimate;
  const bool is_large = std::abs(estimate.log_ratio) >= needed;
  const bool is_sure = row->adjusted_p <= settings.alpha || are_apart(*row, beyond_luck);
  if (is_large && is_sure) {
    row->verdict = estimate.log_ratio < 0.0 ? RowVerdict::faster : RowVerdict::slower;
    return;
  }
  if (has_rounds && -least < estimate.log_low && estimate.log_high < least) {
    row->verdict = RowVerdict::same;
    return;
  }
  row->verdict = RowVerdict::ambiguous;
  if (is_large && estimate.p_value <= settings.alpha) {
    row->reason = "not sure enough for one of so many rows";
  } else if (!has_rounds) {
    row->reason = fmt::format("{} round{}", row->rounds, row->rounds == 1 ? "" : "s");
  }
}

}  // namespace

bool ComparedRow::is_regression() const {
  if (verdict == RowVerdict::slower) return true;
  const bool was_ok = trials.base != nullptr && trials.base->is_ok();
  return was_ok && (verdict == RowVerdict::missing || verdict == RowVerdict::broken);
}

size_t Comparison::count(RowVerdict verdict) const {
  return std::count_if(rows.begin(), rows.end(),
                       [verdict](const ComparedRow& row) { return row.verdict == verdict; });
}

size_t Comparison::regressions() const {
  return std::count_if(rows.begin(), rows.end(),
                       [](const ComparedRow& row) { return row.is_regression(); });
}

Comparison compare(const std::vector<TrialPair>& pairs, bool is_one_run,
                   const CompareSettings& settings) {
  Comparison comparison;
  comparison.settings = settings;
  std::vector<double> p_values;
  for (const TrialPair& pair : pairs) {
    ComparedRow& row = comparison.rows.emplace_back();
    row.trials = pair;
    if (settle_without_times(&row)) continue;
    measure(&row, is_one_run, settings);
    p_values.push_back(row.estimate.p_value);
  }
  const std::vector<double> adjusted = holm_adjusted(p_values);
  size_t next = 0;
  std::vector<const ComparedRow*> all;
  for (ComparedRow& row : comparison.rows) {
    all.push_back(&row);
    if (!row.has_times()) continue;
    row.adjusted_p = adjusted[next++];
    judge(&row, settings);
  }
  comparison.mean = geometric_mean(all);
  return comparison;
}

GeometricMean geometric_mean(const std::vector<const ComparedRow*>& rows) {
  GeometricMean mean;
  double sum = 0.0;
  for (const ComparedRow* row : rows) {
    ++mean.n_total;
    if (!row->has_times()) continue;
    ++mean.n_used;
    sum += row->estimate.log_ratio;
  }
  if (mean.n_used > 0) mean.ratio = std::exp(sum / static_cast<double>(mean.n_used));
  return mean;
}

}  // namespace attnbench
