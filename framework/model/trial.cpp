#include "model/trial.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/error.h"
#include "base/hash.h"
#include "base/text.h"

namespace attnbench {
namespace {

// JSON with sorted keys has one spelling only, whatever the order in which fields were written.
std::string short_hash(const Json& json) {
  const nlohmann::json canonical = json;
  const std::string text = canonical.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return sha256_of_text(text).substr(0, 16);
}

}  // namespace

std::string to_text(const OptionValue& value) {
  return std::visit([](const auto& held) { return fmt::format("{}", held); }, value);
}

Json to_json(const OptionValue& value) {
  if (const double* number = std::get_if<double>(&value)) {
    if (!std::isfinite(*number)) throw Error(fmt::format("an option's value is {}", *number));
    return *number + 0.0;  // -0.0 equals 0.0 but is spelt otherwise
  }
  if (const int64_t* integer = std::get_if<int64_t>(&value)) return *integer;
  return std::get<std::string>(value);
}

OptionValue option_value_from_json(const Json& json) {
  if (json.is_string()) return json.get<std::string>();
  if (json.is_number_float()) return json.get<double>();
  const bool is_too_large = json.is_number_unsigned() && json.get<uint64_t>() > INT64_MAX;
  if (json.is_number_integer() && !is_too_large) return json.get<int64_t>();
  throw Error(fmt::format("an option's value must be a number or a text, got {}", dump_json(json)));
}

Json to_json(const Options& options) {
  Json json = Json::object();
  for (const auto& [name, value] : options) json[name] = to_json(value);
  return json;
}

Options options_from_json(const Json& json) {
  if (!json.is_object()) {
    throw Error(fmt::format("options must be an object, got {}", json.type_name()));
  }
  Options options;
  for (const auto& [name, value] : json.items()) options[name] = option_value_from_json(value);
  return options;
}

std::string to_text(const Options& options) {
  std::vector<std::string> parts;
  for (const auto& [name, value] : options) {
    parts.push_back(fmt::format("{}={}", name, to_text(value)));
  }
  return join(parts, " ");
}

Json to_json(const Trial& trial) {
  Json json;
  json["provider"] = trial.provider;
  json["options"] = to_json(trial.options);
  json["device"] = trial.device;
  json["problem"] = to_json(trial.problem);
  return json;
}

Trial trial_from_json(const Json& json) {
  JsonFields fields(json, "trial");
  Trial trial;
  trial.provider = fields.text("provider");
  trial.options = options_from_json(fields.value("options"));
  trial.device = fields.text("device");
  trial.problem = problem_from_json(fields.value("problem"));
  fields.finish();
  return trial;
}

std::string trial_id(const Trial& trial) {
  return short_hash(to_json(trial));
}

std::string case_id(const Problem& problem, const std::string& device) {
  Json json;
  json["device"] = device;
  json["problem"] = to_json(problem);
  return short_hash(json);
}

}  // namespace attnbench
