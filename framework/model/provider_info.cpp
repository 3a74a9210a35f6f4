#include "model/provider_info.h"

#include <attnbench/provider.h>
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

namespace attnbench {
namespace {

struct FeatureName {
  uint64_t bit;
  const char* name;
};
constexpr FeatureName kFeatures[] = {
    {ATTN_FEATURE_CAUSAL, "causal"},   {ATTN_FEATURE_BIAS, "bias"},
    {ATTN_FEATURE_GQA, "gqa"},         {ATTN_FEATURE_BWD, "bwd"},
    {ATTN_FEATURE_LSE, "lse"},         {ATTN_FEATURE_WINDOW, "window"},
    {ATTN_FEATURE_SOFTCAP, "softcap"}, {ATTN_FEATURE_DETERMINISTIC, "deterministic"},
    {ATTN_FEATURE_DBIAS, "dbias"},     {ATTN_FEATURE_ESCAPE, "escape"}};

std::string feature_name(int bit) {
  for (const FeatureName& feature : kFeatures) {
    if (feature.bit == uint64_t{1} << bit) return feature.name;
  }
  return fmt::format("bit{}", bit);
}

struct TextField {
  const char* name;
  std::string ProviderInfo::*field;
};
constexpr TextField kTextFields[] = {
    {"path", &ProviderInfo::path},       {"sha256", &ProviderInfo::sha256},
    {"reason", &ProviderInfo::reason},   {"id", &ProviderInfo::id},
    {"name", &ProviderInfo::name},       {"vendor", &ProviderInfo::vendor},
    {"version", &ProviderInfo::version}, {"license", &ProviderInfo::license},
    {"abi", &ProviderInfo::abi},         {"description", &ProviderInfo::description}};

struct ListField {
  const char* name;
  std::vector<std::string> ProviderInfo::*field;
};
constexpr ListField kListFields[] = {{"device_types", &ProviderInfo::device_types},
                                     {"dtypes", &ProviderInfo::dtypes},
                                     {"features", &ProviderInfo::features}};

}  // namespace

bool ProviderInfo::is_usable_on(const std::string& device) const {
  return std::any_of(usable.begin(), usable.end(), [&](const Usability& usability) {
    return usability.device == device && usability.score > 0;
  });
}

const OptionInfo* ProviderInfo::find_option(const std::string& option) const {
  for (const OptionInfo& info : options) {
    if (info.name == option) return &info;
  }
  return nullptr;
}

std::vector<std::string> feature_names(uint64_t features) {
  std::vector<std::string> names;
  for (int bit = 0; bit < 64; ++bit) {
    if ((features >> bit & 1) != 0) names.push_back(feature_name(bit));
  }
  return names;
}

Json to_json(const OptionInfo& option) {
  Json json;
  json["name"] = option.name;
  json["doc"] = option.doc;
  json["type"] = option.type;
  json["choices"] = Json::array();
  for (const OptionValue& choice : option.choices) json["choices"].push_back(to_json(choice));
  json["min"] = finite_or_null(option.min);  // null: no limit on this side
  json["max"] = finite_or_null(option.max);
  json["default"] = to_json(option.default_value);
  json["is_sweepable"] = option.is_sweepable;
  json["is_compile_time"] = option.is_compile_time;
  return json;
}

OptionInfo option_info_from_json(const Json& json) {
  constexpr double kNoLimit = std::numeric_limits<double>::infinity();
  JsonFields fields(json, "option");
  OptionInfo option;
  option.name = fields.text("name");
  option.doc = fields.text("doc");
  option.type = fields.text("type");
  for (const Json& choice : fields.list("choices")) {
    option.choices.push_back(option_value_from_json(choice));
  }
  option.min = fields.number_or("min", -kNoLimit);
  option.max = fields.number_or("max", kNoLimit);
  option.default_value = option_value_from_json(fields.value("default"));
  option.is_sweepable = fields.flag("is_sweepable");
  option.is_compile_time = fields.flag_or("is_compile_time", false);  // runs of before have none
  fields.finish();
  return option;
}

Json to_json(const ProviderInfo& info) {
  Json json;
  json["state"] = enum_to_text(kLibraryStates, info.state);
  for (const TextField& text : kTextFields) json[text.name] = info.*text.field;
  for (const ListField& list : kListFields) json[list.name] = info.*list.field;
  json["options"] = Json::array();
  for (const OptionInfo& option : info.options) json["options"].push_back(to_json(option));
  json["usable"] = Json::array();
  for (const Usability& usability : info.usable) {
    json["usable"].push_back(
        {{"device", usability.device}, {"score", usability.score}, {"reason", usability.reason}});
  }
  return json;
}

ProviderInfo provider_info_from_json(const Json& json) {
  JsonFields fields(json, "provider");
  ProviderInfo info;
  info.state = fields.choice("state", kLibraryStates);
  for (const TextField& text : kTextFields) info.*text.field = fields.text(text.name);
  for (const ListField& list : kListFields) info.*list.field = fields.texts(list.name);
  for (const Json& option : fields.list("options")) {
    info.options.push_back(option_info_from_json(option));
  }
  for (const Json& entry : fields.list("usable")) {
    JsonFields usability(entry, "usable");
    info.usable.push_back({usability.text("device"), static_cast<int>(usability.integer("score")),
                           usability.text("reason")});
    usability.finish();
  }
  fields.finish();
  return info;
}

}  // namespace attnbench
