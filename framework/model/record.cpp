#include "model/record.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "model/work.h"

namespace attnbench {
namespace {

Json optional_number(const std::optional<double>& number) {
  return number ? finite_or_null(*number) : Json(nullptr);
}

std::optional<double> read_optional(JsonFields& fields, std::string_view key) {
  return fields.has(key) ? std::optional<double>(fields.number(key)) : std::nullopt;
}

// ---- What was measured: null unless ok.

constexpr const char* kMeasuredKeys[] = {
    "median_ms",    "ci_low_ms",  "ci_high_ms",    "min_ms",      "p20_ms",
    "p80_ms",       "mean_ms",    "tflops",        "gbps",        "peak_fraction",
    "sample_count", "samples_ms", "sample_rounds", "stop_reason", "warmup_calls"};

void put_measured(Json& json, const Record& record) {
  for (const char* key : kMeasuredKeys) json[key] = nullptr;
  if (!record.is_ok()) return;
  const Summary summary = summarise(record.samples_ms);
  const double seconds = summary.median * 1e-3;
  const double tflops = flops(record.trial.problem) / seconds * 1e-12;
  json["median_ms"] = summary.median;
  json["ci_low_ms"] = summary.ci.low;
  json["ci_high_ms"] = summary.ci.high;
  json["min_ms"] = summary.min;
  json["p20_ms"] = summary.p20;
  json["p80_ms"] = summary.p80;
  json["mean_ms"] = summary.mean;
  // A median of 0 (a call below the clock's tick) has no rate: null.
  json["tflops"] = finite_or_null(tflops);
  json["gbps"] = finite_or_null(bytes_moved(record.trial.problem) / seconds * 1e-9);
  if (record.peak_tflops) json["peak_fraction"] = finite_or_null(tflops / *record.peak_tflops);
  json["sample_count"] = summary.n;
  json["samples_ms"] = record.samples_ms;
  json["sample_rounds"] = record.sample_rounds;
  json["stop_reason"] = record.stop_reason;
  json["warmup_calls"] = record.warmup_calls;
}

// An ok record without a finite sample, or with rounds that do not match, is a mistake of ours.
void check_measured(const Record& record) {
  if (!record.is_ok()) return;
  const bool is_finite = std::all_of(record.samples_ms.begin(), record.samples_ms.end(),
                                     [](double sample) { return std::isfinite(sample); });
  if (record.samples_ms.empty() || !is_finite) {
    throw Error(fmt::format("trial {} is ok but has no samples, or one that is not finite",
                            record.trial_id));
  }
  const size_t rounds = record.sample_rounds.size();
  if (rounds != 0 && rounds != record.samples_ms.size()) {
    throw Error(fmt::format("trial {} has {} samples but {} sample_rounds", record.trial_id,
                            record.samples_ms.size(), rounds));
  }
}

void read_measured(JsonFields& fields, Record& record) {
  if (!record.is_ok()) return;
  record.samples_ms = fields.numbers("samples_ms");
  if (fields.has("sample_rounds")) {
    for (const int64_t round : fields.integers("sample_rounds")) {
      record.sample_rounds.push_back(static_cast<int>(round));
    }
  }
  record.stop_reason = fields.text_or("stop_reason", "");
  record.warmup_calls = static_cast<int>(fields.integer_or("warmup_calls", 0));
  check_measured(record);
}

// ---- The plan, as the provider told it.

Json plan_to_json(const PlanFacts& plan) {
  Json json;
  json["resolved_options"] = to_json(plan.resolved_options);
  json["workspace_bytes"] = plan.workspace_bytes;
  json["graph_safe"] = plan.graph_safe;
  json["deterministic"] = plan.deterministic;
  json["kernels"] = Json::array();
  for (const KernelInfo& kernel : plan.kernels) {
    json["kernels"].push_back({{"name", kernel.name},
                               {"regs_per_thread", kernel.regs_per_thread},
                               {"spill_bytes", kernel.spill_bytes},
                               {"smem_bytes", kernel.smem_bytes},
                               {"grid", kernel.grid},
                               {"block", kernel.block},
                               {"cluster", kernel.cluster}});
  }
  return json;
}

PlanFacts plan_from_json(const Json& json) {
  JsonFields fields(json, "plan");
  PlanFacts plan;
  plan.resolved_options = options_from_json(fields.value("resolved_options"));
  plan.workspace_bytes = fields.unsigned_integer("workspace_bytes");
  plan.graph_safe = fields.flag("graph_safe");
  plan.deterministic = fields.flag("deterministic");
  for (const Json& entry : fields.list("kernels")) {
    JsonFields kernel(entry, "kernel");
    plan.kernels.push_back({kernel.text("name"), kernel.integer("regs_per_thread"),
                            kernel.integer("spill_bytes"), kernel.integer("smem_bytes"),
                            kernel.integers("grid"), kernel.integers("block"),
                            kernel.integers("cluster")});
  }
  return plan;
}

// ---- Errors against the reference. An error without bound (an unexpected NaN) is null.

Json errors_to_json(const std::vector<RoleError>& errors) {
  Json json = Json::array();
  for (const RoleError& error : errors) {
    json.push_back({{"role", error.role},
                    {"max_error", finite_or_null(error.max_error)},
                    {"allowed_error", finite_or_null(error.allowed_error)},
                    {"rows", error.rows}});
  }
  return json;
}

std::vector<RoleError> errors_from_json(const Json& json) {
  constexpr double kNoBound = std::numeric_limits<double>::infinity();
  std::vector<RoleError> errors;
  for (const Json& entry : json) {
    JsonFields error(entry, "error");
    errors.push_back({error.text("role"), error.number_or("max_error", kNoBound),
                      error.number_or("allowed_error", kNoBound), error.integer("rows")});
  }
  return errors;
}

// Everything but the id, the provider and the options.
Json body_of(const Record& record, const Sentinels& sentinels) {
  Json json;
  json["device"] = record.trial.device;
  json.update(to_json(record.trial.problem));
  json["outcome"] = to_text(record.outcome);
  json["detail"] = record.detail;
  json["message"] = record.message;
  json["warnings"] = record.warnings;
  put_measured(json, record);
  const double median_ms = record.is_ok() ? median(record.samples_ms) : 0.0;
  json["sentinel_ms"] = sentinel_ms(record.outcome, median_ms, sentinels);
  json["max_error"] = record.errors.empty() ? Json(nullptr) : finite_or_null(record.max_error());
  json["errors"] = errors_to_json(record.errors);
  json["peak_tflops"] = optional_number(record.peak_tflops);
  json["floor_ms"] = optional_number(record.floor_ms);
  json["prepare_ms"] = optional_number(record.prepare_ms);
  json["plan"] = record.plan ? plan_to_json(*record.plan) : Json(nullptr);
  json["interleaved"] = record.interleaved;
  json["attempts"] = record.attempts;
  json["provider_sha256"] = record.provider_sha256;
  json["provider_version"] = record.provider_version;
  json["started_utc"] = record.started_utc;
  json["wall_seconds"] = finite_or_null(record.wall_seconds);
  json["state"] = parse_json(record.state_json, "state of trial " + record.trial_id);
  return json;
}

}  // namespace

double Record::max_error() const {
  double largest = 0.0;
  for (const RoleError& error : errors) {
    // NaN is larger than anything, which std::max would not know.
    if (!(error.max_error <= largest)) largest = error.max_error;
    if (std::isnan(largest)) return std::numeric_limits<double>::infinity();
  }
  return largest;
}

Json to_json(const Record& record, const Sentinels& sentinels) {
  check_measured(record);
  Json json;
  json["trial_id"] = record.trial_id;
  json["provider"] = record.trial.provider;
  json["option_names"] = Json::array();  // which of the keys beside it are options
  for (const auto& [name, value] : record.trial.options) {
    if (is_record_key(name)) {
      throw Error(fmt::format("provider {} has an option \"{}\", which is a field of every record",
                              record.trial.provider, name),
                  "rename the option");
    }
    json["option_names"].push_back(name);
  }
  json.update(to_json(record.trial.options));
  json.update(body_of(record, sentinels));
  return json;
}

bool is_record_key(std::string_view name) {
  return to_json(Record{}, Sentinels{}).contains(name);
}

Record record_from_json(const Json& json) {
  JsonFields fields(json, "record");
  Record record;
  record.trial_id = fields.text("trial_id");
  record.trial.provider = fields.text("provider");
  for (const std::string& name : fields.texts("option_names")) {
    record.trial.options[name] = option_value_from_json(fields.value(name));
  }
  record.trial.device = fields.text("device");
  Json problem = to_json(Problem{});  // for its keys
  for (auto& [key, value] : problem.items()) value = fields.value(key);
  record.trial.problem = problem_from_json(problem);
  record.outcome = outcome_from_text(fields.text("outcome"));
  // The rest has defaults: a record of an older attnbench lacks what was added since.
  record.detail = fields.text_or("detail", "");
  record.message = fields.text_or("message", "");
  if (fields.has("warnings")) record.warnings = fields.texts("warnings");
  read_measured(fields, record);
  if (fields.has("errors")) record.errors = errors_from_json(fields.list("errors"));
  record.peak_tflops = read_optional(fields, "peak_tflops");
  record.floor_ms = read_optional(fields, "floor_ms");
  record.prepare_ms = read_optional(fields, "prepare_ms");
  if (fields.has("plan")) record.plan = plan_from_json(fields.value("plan"));
  record.interleaved = fields.flag_or("interleaved", true);
  record.attempts = static_cast<int>(fields.integer_or("attempts", 1));
  if (fields.has("state")) record.state_json = dump_json(fields.list("state"));
  record.provider_sha256 = fields.text_or("provider_sha256", "");
  record.provider_version = fields.text_or("provider_version", "");
  record.started_utc = fields.text_or("started_utc", "");
  record.wall_seconds = fields.number_or("wall_seconds", 0.0);
  return record;
}

}  // namespace attnbench
