#include "model/settings.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "support/catch.h"

using namespace attnbench;

TEST_CASE("settings survive JSON", "[settings]") {
  MeasureSettings settings;
  settings.effort = Effort::headline;
  settings.cache = Cache::warm;
  settings.protocol = Protocol::do_bench_cudagraph;
  settings.seed = ~uint64_t{0};
  settings.verify_rows = 7;
  const std::string line = dump_json(to_json(settings));
  CHECK(measure_settings_from_json(parse_json(line, "test")) == settings);
}

TEST_CASE("settings that cannot be are refused", "[settings]") {
  const Json good = to_json(MeasureSettings{});
  const std::pair<const char*, Json> changes[] = {
      {"effort", "heroic"}, {"seed", -1}, {"verify_rows", 0}, {"verify_rows", 1e18}, {"sed", 1}};
  for (const auto& [key, value] : changes) {
    Json bad = good;
    bad[key] = value;
    CHECK_THROWS_AS(measure_settings_from_json(bad), Error);
  }
}
