// Two sets of trials compared row by row, and as a whole.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "base/enum_text.h"
#include "compare/estimate.h"
#include "compare/match.h"

namespace attnbench {

enum class RowVerdict { faster, slower, same, ambiguous, missing, broken };
inline constexpr EnumText<RowVerdict> kRowVerdicts[] = {
    {RowVerdict::faster, "FASTER"},   {RowVerdict::slower, "SLOWER"},
    {RowVerdict::same, "SAME"},       {RowVerdict::ambiguous, "AMBIGUOUS"},
    {RowVerdict::missing, "MISSING"}, {RowVerdict::broken, "BROKEN"}};

struct CompareSettings {
  double min_effect = 0.01;  // a smaller change is no news, however sure
  double alpha = 0.01;  // chance of a false FASTER or SLOWER, all rows of a comparison together
  int min_rounds = 5;   // with fewer on a side, what bursts differ by is not known
  // ... and then only a change that no luck with bursts explains counts: on a power-limited H100
  // most bursts of one trial lie within 10 % of its median.
  double min_effect_of_few_rounds = 0.10;
};

struct ComparedRow {
  TrialPair trials;
  RowVerdict verdict = RowVerdict::ambiguous;
  std::string reason;  // of what is no plain number: "ok before, now crashed (signal-11)"
  // Where both are ok:
  Estimate estimate;
  double adjusted_p = 1.0;
  int rounds = 0;                            // common ones if paired, else of the side with fewer
  double base_ms = 0.0, contender_ms = 0.0;  // medians

  bool has_times() const { return estimate.method != Method::none; }
  bool is_regression() const;  // slower, or no longer ok where it was
  const Record& any() const { return trials.base ? *trials.base : *trials.contender; }
};

// The geometric mean of contender / base, over the rows in which both are ok.
struct GeometricMean {
  double ratio = 1.0;
  size_t n_used = 0;
  size_t n_total = 0;
};

struct Comparison {
  CompareSettings settings;
  std::vector<ComparedRow> rows;
  GeometricMean mean;

  size_t count(RowVerdict verdict) const;
  size_t regressions() const;
};

// `is_one_run`: rounds of both sides may be the same rounds.
Comparison compare(const std::vector<TrialPair>& pairs, bool is_one_run,
                   const CompareSettings& settings);

GeometricMean geometric_mean(const std::vector<const ComparedRow*>& rows);

}  // namespace attnbench
