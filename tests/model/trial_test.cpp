#include "model/trial.h"

#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "support/catch.h"

using namespace attnbench;

namespace {

Trial sample_trial() {
  Trial trial;
  trial.provider = "block_ptr";
  trial.options = {{"block_q", int64_t{128}}, {"block_k", int64_t{64}}};
  trial.problem.seqlen_q = 1024;
  trial.device = "cuda:0";
  return trial;
}

}  // namespace

TEST_CASE("option values keep their type through JSON", "[trial]") {
  const Options options = {{"i", int64_t{1}},
                           {"f", 1.0},
                           {"s", std::string("1")},
                           {"min", std::numeric_limits<int64_t>::min()},
                           {"tenth", 0.1}};
  const std::string line = dump_json(to_json(options));
  CHECK(options_from_json(parse_json(line, "test")) == options);
  for (const char* bad : {"true", "null", "[1]", "9223372036854775808"}) {
    CHECK_THROWS_AS(option_value_from_json(parse_json(bad, "test")), Error);
  }
  CHECK_THROWS_AS(to_json(OptionValue(0.0 / 0.0)), Error);
  CHECK(to_text(sample_trial().options) == "block_k=64 block_q=128");
}

TEST_CASE("a trial survives JSON", "[trial]") {
  const std::string line = dump_json(to_json(sample_trial()));
  CHECK(trial_from_json(parse_json(line, "test")) == sample_trial());
}

TEST_CASE("a trial's id does not depend on the order of keys", "[trial]") {
  const Json json = to_json(sample_trial());
  Json reversed;
  const std::vector<std::string> keys = {"problem", "device", "options", "provider"};
  for (const std::string& key : keys) reversed[key] = json[key];
  CHECK(trial_id(trial_from_json(reversed)) == trial_id(sample_trial()));
}

TEST_CASE("a trial's id is the same on every machine and in every version", "[trial]") {
  // Computed with Python: sha256(json.dumps(trial, sort_keys=True, separators=(",", ":")))[:16].
  CHECK(trial_id(sample_trial()) == "e3cf901588ecc67d");
  CHECK(case_id(sample_trial().problem, "cuda:0") == "e1baecfbef0edcb0");
}

TEST_CASE("trials that differ in anything have different ids", "[trial]") {
  std::set<std::string> ids = {trial_id(sample_trial())};
  const auto add = [&](auto change) {
    Trial trial = sample_trial();
    change(trial);
    const bool is_new = ids.insert(trial_id(trial)).second;
    CHECK(is_new);
  };
  add([](Trial& t) { t.provider = "ptr_block"; });
  add([](Trial& t) { t.device = "cuda:1"; });
  add([](Trial& t) { t.options["block_q"] = int64_t{64}; });
  add([](Trial& t) { t.options["block_q"] = std::string("128"); });
  add([](Trial& t) { t.options["block_q"] = 128.0; });
  add([](Trial& t) { t.options.erase("block_q"); });
  add([](Trial& t) { t.problem.mode = Mode::bwd; });
  add([](Trial& t) { t.problem.dtype = Dtype::bf16; });
  add([](Trial& t) { t.problem.batch = 2; });
  add([](Trial& t) { t.problem.heads = 2; });
  add([](Trial& t) { t.problem.heads = t.problem.kv_heads = 2; });
  add([](Trial& t) { t.problem.seqlen_kv = 1024; });
  add([](Trial& t) { t.problem.head_dim = 128; });
  add([](Trial& t) { t.problem.layout = Layout::bhsd; });
  add([](Trial& t) { t.problem.causal = Causal::top_left; });
  add([](Trial& t) { t.problem.bias = Bias::b1; });
  add([](Trial& t) { t.problem.scale = 0.125; });
  add([](Trial& t) { t.problem.inputs.stddev = 1; });
  add([](Trial& t) { t.problem.inputs.bias_low_fraction = 0.5; });
}

TEST_CASE("equal trials have equal ids, also with a negative zero", "[trial]") {
  Trial trial = sample_trial();
  trial.problem.scale = -0.0;
  REQUIRE(trial == sample_trial());
  CHECK(trial_id(trial) == trial_id(sample_trial()));

  Trial positive = sample_trial();
  positive.options["ratio"] = 0.0;
  trial.options["ratio"] = -0.0;
  REQUIRE(trial == positive);
  CHECK(trial_id(trial) == trial_id(positive));
}

TEST_CASE("a case is shared by providers and options, not by problems or devices", "[trial]") {
  const Trial trial = sample_trial();
  CHECK(case_id(trial.problem, "cuda:0") != case_id(trial.problem, "cpu"));
  CHECK(case_id(trial.problem, "cpu") != case_id(Problem{}, "cpu"));
}
