#include "model/settings.h"

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace attnbench {

Json to_json(const MeasureSettings& settings) {
  Json json;
  json["effort"] = enum_to_text(kEfforts, settings.effort);
  json["cache"] = enum_to_text(kCaches, settings.cache);
  json["protocol"] = enum_to_text(kProtocols, settings.protocol);
  json["seed"] = settings.seed;
  json["verify_rows"] = settings.verify_rows;
  return json;
}

MeasureSettings measure_settings_from_json(const Json& json) {
  JsonFields fields(json, "measure");
  MeasureSettings settings;
  settings.effort = fields.choice("effort", kEfforts);
  settings.cache = fields.choice("cache", kCaches);
  settings.protocol = fields.choice("protocol", kProtocols);
  settings.seed = fields.unsigned_integer("seed");
  const int64_t verify_rows = fields.integer("verify_rows");
  if (verify_rows < 1 || verify_rows > 1'000'000) {
    throw Error("measure: \"verify_rows\" must be from 1 to 1000000");
  }
  settings.verify_rows = static_cast<int>(verify_rows);
  fields.finish();
  return settings;
}

}  // namespace attnbench
