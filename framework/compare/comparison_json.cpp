#include "compare/comparison_json.h"

#include <cmath>
#include <nlohmann/json.hpp>

namespace attnbench {
namespace {

Json side_json(const Record* record, double median_ms) {
  if (record == nullptr) return nullptr;
  return {{"trial_id", record->trial_id},
          {"provider", record->trial.provider},
          {"options", to_json(record->trial.options)},
          {"outcome", to_text(record->outcome)},
          {"detail", record->detail},
          {"median_ms", record->is_ok() ? Json(median_ms) : Json(nullptr)},
          {"sample_count", record->samples_ms.size()}};
}

Json row_json(const ComparedRow& row) {
  const Trial& trial = row.any().trial;
  Json json = {{"verdict", enum_to_text(kRowVerdicts, row.verdict)},
               {"is_regression", row.is_regression()},
               {"reason", row.reason},
               {"device", trial.device},
               {"problem", to_json(trial.problem)},
               {"base", side_json(row.trials.base, row.base_ms)},
               {"new", side_json(row.trials.contender, row.contender_ms)}};
  if (!row.has_times()) return json;
  const Estimate& estimate = row.estimate;
  json["method"] = enum_to_text(kMethods, estimate.method);
  json["rounds"] = row.rounds;
  json["ratio"] = std::exp(estimate.log_ratio);
  json["ratio_low"] = finite_or_null(std::exp(estimate.log_low));
  json["ratio_high"] = finite_or_null(std::exp(estimate.log_high));
  json["p_value"] = estimate.p_value;
  json["holm_p_value"] = row.adjusted_p;
  return json;
}

}  // namespace

Json comparison_json(const Comparison& comparison, const ComparisonTitle& title) {
  const CompareSettings& settings = comparison.settings;
  Json rows = Json::array();
  for (const ComparedRow& row : comparison.rows) rows.push_back(row_json(row));
  Json counts = Json::object();
  for (const EnumText<RowVerdict>& verdict : kRowVerdicts) {
    counts[std::string(verdict.text)] = comparison.count(verdict.value);
  }
  return {{"format", 1},
          {"base", title.base},
          {"new", title.contender},
          {"settings",
           {{"min_effect", settings.min_effect},
            {"alpha", settings.alpha},
            {"min_rounds", settings.min_rounds},
            {"min_effect_of_few_rounds", settings.min_effect_of_few_rounds}}},
          {"geometric_mean",
           {{"ratio", comparison.mean.n_used > 0 ? Json(comparison.mean.ratio) : Json(nullptr)},
            {"n_used", comparison.mean.n_used},
            {"n_total", comparison.mean.n_total}}},
          {"counts", counts},
          {"regressions", comparison.regressions()},
          {"rows", rows}};
}

}  // namespace attnbench
