#include "model/record.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "model/work.h"
#include "support/catch.h"

using namespace attnbench;

namespace {

Record full_record() {
  Record record;
  record.trial.provider = "block_ptr";
  record.trial.options = {{"block_q", int64_t{128}}, {"ratio", 1.0}, {"kind", std::string("7")}};
  record.trial.problem.seqlen_q = record.trial.problem.seqlen_kv = 1024;
  record.trial.device = "cuda:0";
  record.trial_id = trial_id(record.trial);
  record.outcome = Outcome::ok;
  record.warnings = {"leaked 16 bytes"};
  record.samples_ms = {0.1, 0.3, 0.2, 1.0 / 3, 0.25, 0.25};
  record.sample_rounds = {0, 0, 0, 1, 1, 1};
  record.stop_reason = "converged";
  record.warmup_calls = 5;
  record.peak_tflops = 989.0;
  record.floor_ms = 0.01;
  record.prepare_ms = 812.5;
  record.plan = PlanFacts{{{"block_q", int64_t{128}}, {"stages", int64_t{2}}},
                          ~uint64_t{0},
                          true,
                          false,
                          {{"kernel", 168, 0, 232448, {8, 4, 2}, {384, 1, 1}, {}}}};
  record.errors = {{"o", 1e-3, 2e-3, 64}, {"lse", 1e-5, 1e-4, 64}};
  record.interleaved = false;
  record.attempts = 2;
  record.state_json = R"([{"sm_mhz":1400}])";
  record.provider_sha256 = "ab";
  record.provider_version = "1.2";
  record.started_utc = "2026-11-23T22:11:38Z";
  record.wall_seconds = 1.5;
  return record;
}

Json through_text(const Record& record) {
  return parse_json(dump_json(to_json(record, Sentinels{})), "test");
}

}  // namespace

TEST_CASE("a record survives JSON: what is written is read, every field", "[record]") {
  const Json written = through_text(full_record());
  const Record back = record_from_json(written);
  CHECK(dump_json(to_json(back, Sentinels{})) == dump_json(written));
  const Record record = full_record();
  CHECK(back.trial == record.trial);
  CHECK(back.samples_ms == record.samples_ms);
  CHECK(back.sample_rounds == record.sample_rounds);
  CHECK(back.plan->workspace_bytes == ~uint64_t{0});
  CHECK(back.plan->kernels.at(0).block == std::vector<int64_t>{384, 1, 1});
  CHECK(back.errors.at(1).allowed_error == 1e-4);
  CHECK(back.state_json == record.state_json);
  CHECK(back.attempts == 2);
  CHECK_FALSE(back.interleaved);
}

TEST_CASE("no key is written that reading ignores or derives by mistake", "[record]") {
  // Every key but the derived ones: changing it must change what is read.
  const std::vector<std::string> derived = {
      "median_ms",    "ci_low_ms",   "ci_high_ms", "min_ms", "p20_ms",
      "p80_ms",       "mean_ms",     "tflops",     "gbps",   "peak_fraction",
      "sample_count", "sentinel_ms", "max_error"};
  const Json written = through_text(full_record());
  for (const auto& [key, value] : written.items()) {
    if (std::find(derived.begin(), derived.end(), key) != derived.end()) continue;
    Json changed = written;
    changed[key] = Json::object({{"not", "this"}});
    INFO(key);
    bool is_noticed = false;
    try {
      is_noticed = through_text(record_from_json(changed)) != written;
    } catch (const Error&) {
      is_noticed = true;
    }
    CHECK(is_noticed);
  }
}

TEST_CASE("measured numbers follow from the samples and the work", "[record]") {
  const Json json = through_text(full_record());
  CHECK(json["median_ms"] == 0.25);
  CHECK(json["ci_low_ms"] == 0.1);
  CHECK(json["ci_high_ms"] == 1.0 / 3);
  CHECK(json["min_ms"] == 0.1);
  CHECK(json["sample_count"] == 6);
  CHECK(json["sentinel_ms"] == 0.25);
  CHECK(json["max_error"] == 1e-3);
  const Problem& problem = full_record().trial.problem;
  CHECK(json["tflops"].get<double>() == Approx(flops(problem) / 0.25e-3 / 1e12));
  CHECK(json["gbps"].get<double>() == Approx(bytes_moved(problem) / 0.25e-3 / 1e9));
  CHECK(json["peak_fraction"].get<double>() == Approx(json["tflops"].get<double>() / 989));
}

TEST_CASE("options and problem fields stand at top level", "[record]") {
  const Json json = through_text(full_record());
  CHECK(json["block_q"] == 128);
  CHECK(json["ratio"].is_number_float());
  CHECK(json["kind"] == "7");
  CHECK(json["seqlen_q"] == 1024);
  CHECK(json["inputs"]["stddev"] == 2.0);
  CHECK(json["device"] == "cuda:0");
}

TEST_CASE("an option named like a field of every record is refused", "[record]") {
  for (const char* name : {"trial_id", "provider", "batch", "median_ms", "state"}) {
    CHECK(is_record_key(name));
    Record record = full_record();
    record.trial.options[name] = int64_t{1};
    CHECK_THROWS_WITH(to_json(record, Sentinels{}), Catch::Contains(name));
  }
  CHECK_FALSE(is_record_key("block_q"));
}

TEST_CASE("measured keys of a failed trial are null, its sentinel is a number", "[record]") {
  Record record = full_record();
  record.outcome = Outcome::implausible;
  record.message = "too fast";
  const Json json = through_text(record);
  for (const char* key : {"median_ms", "ci_low_ms", "ci_high_ms", "min_ms", "p20_ms", "p80_ms",
                          "mean_ms", "tflops", "gbps", "peak_fraction", "sample_count",
                          "samples_ms", "sample_rounds", "stop_reason", "warmup_calls"}) {
    INFO(key);
    CHECK(json.at(key).is_null());
  }
  CHECK(json["sentinel_ms"] == 100.0);
  CHECK(to_json(record, Sentinels{55, 66})["sentinel_ms"] == 55.0);
  CHECK(json["message"] == "too fast");
  const Record back = record_from_json(json);
  CHECK(back.samples_ms.empty());
  CHECK(through_text(back) == json);
}

TEST_CASE("a trial that never started is a record too", "[record]") {
  Record record;
  record.trial_id = "x";
  const Json json = through_text(record);
  CHECK(json["prepare_ms"].is_null());
  CHECK(json["plan"].is_null());
  CHECK(json["max_error"].is_null());
  CHECK(json["sentinel_ms"] == 300.0);
  CHECK(through_text(record_from_json(json)) == json);
}

TEST_CASE("an error without bound is null and stays without bound", "[record]") {
  Record record = full_record();
  record.outcome = Outcome::wrong_result;
  record.errors[1].max_error = std::nan("");
  const Json json = through_text(record);
  CHECK(json["max_error"].is_null());
  CHECK(json["errors"][1]["max_error"].is_null());
  CHECK(record_from_json(json).max_error() == std::numeric_limits<double>::infinity());
}

TEST_CASE("an ok record without samples, or with one that is not finite, cannot be written",
          "[record]") {
  Record record = full_record();
  record.samples_ms[2] = INFINITY;
  CHECK_THROWS_AS(to_json(record, Sentinels{}), Error);
  record.samples_ms.clear();
  CHECK_THROWS_AS(to_json(record, Sentinels{}), Error);
  record = full_record();
  record.sample_rounds.pop_back();
  CHECK_THROWS_AS(to_json(record, Sentinels{}), Error);
}

TEST_CASE("a call shorter than the clock's tick has no rate, but a record", "[record]") {
  Record record = full_record();
  record.samples_ms = {0, 0, 0, 0, 0, 0};
  const Json json = through_text(record);
  CHECK(json["median_ms"] == 0.0);
  CHECK(json["tflops"].is_null());
}

TEST_CASE("text of a provider that is no UTF-8 does not stop its record", "[record]") {
  Record record = full_record();
  record.message = "bad \xff byte";
  CHECK(through_text(record)["message"] == "bad \xef\xbf\xbd byte");
}

TEST_CASE("records of older and newer attnbenches are read", "[record]") {
  Json json = through_text(full_record());
  json["added_later"] = {1, 2, 3};
  CHECK(record_from_json(json).trial == full_record().trial);
  for (const char* key : {"detail", "warnings", "plan", "errors", "state", "attempts"}) {
    json.erase(key);
  }
  CHECK(record_from_json(json).attempts == 1);
}

TEST_CASE("what is no record is an error, whatever it is", "[record]") {
  for (const char* text : {"null", "[]", "{}", "7", R"({"trial_id":"x"})"}) {
    CHECK_THROWS_AS(record_from_json(parse_json(text, "test")), Error);
  }
  for (const char* key : {"trial_id", "provider", "device", "batch", "outcome", "option_names"}) {
    Json json = through_text(full_record());
    json.erase(key);
    CHECK_THROWS_AS(record_from_json(json), Error);
  }
}
