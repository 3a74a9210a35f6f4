#include "cli/run_document.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/hash.h"
#include "support/catch.h"
#include "sweep/parse.h"

namespace attnbench {
namespace {

constexpr std::string_view kSweep = R"(
[problem]
batch = 2
heads = 4
head_dim = 64
[[axis]]
name = "seqlen"
values = [64, 128]
[[provider]]
id = "cpu_reference"
[plot]
x = "seqlen"
name = "all"
)";

ProviderInfo reference(const std::string& sha256) {
  ProviderInfo provider;
  provider.id = "cpu_reference";
  provider.sha256 = sha256;
  provider.device_types = {"cpu"};
  provider.usable = {{"cpu", 1, ""}};
  return provider;
}

Json document_with(const std::string& sha256) {
  const Sweep sweep = parse_sweep(kSweep, "two.toml");
  ProviderInfo unused = reference(sha256);
  unused.id = "other";
  const std::vector<ProviderInfo> providers = {reference(sha256), unused};
  return run_document({"attnbench", "run"}, expand(sweep, providers, {"cpu"}), providers, {});
}

}  // namespace

TEST_CASE("run.json tells what was run, by whom and on what", "[cli]") {
  const Json run = document_with("aa");
  CHECK(run["status"] == "running");
  CHECK(run["argv"] == Json({"attnbench", "run"}));
  CHECK(run["plan"]["trials"] == 2);
  REQUIRE(run["providers"].size() == 1);
  CHECK(run["providers"][0]["sha256"] == "aa");
  CHECK(run["devices"][0]["device"] == "cpu");
  CHECK(run["sweep"]["sha256"] == sha256_of_text(run["sweep"]["toml"].get<std::string>()));
}

TEST_CASE("the sweep comes back from run.json unchanged", "[cli]") {
  const Json run = document_with("aa");
  const Sweep sweep = sweep_of(run, "run.json");
  CHECK(sweep.name == "two");
  CHECK(to_toml(sweep) == run["sweep"]["toml"]);
  CHECK_THROWS_AS(sweep_of(Json::object(), "run.json"), Error);
}

TEST_CASE("the plan comes back from run.json, lines left out and broken files and all", "[cli]") {
  Sweep sweep = parse_sweep(kSweep, "two.toml");
  Line optional = sweep.lines.front();
  optional.id = optional.label = "gpu_only";
  optional.is_optional = true;
  Line broken = sweep.lines.front();
  broken.id = broken.label = "torn";
  sweep.lines.push_back(optional);
  sweep.lines.push_back(broken);
  ProviderInfo gpu_only = reference("bb");
  gpu_only.id = "gpu_only";
  gpu_only.device_types = {"cuda"};
  gpu_only.usable.clear();
  ProviderInfo torn;
  torn.path = "/somewhere/torn.provider.so";
  torn.state = LibraryState::truncated;
  const std::vector<ProviderInfo> providers = {reference("aa"), gpu_only, torn};
  const Plan plan = expand(sweep, providers, {"cpu"});
  REQUIRE(plan.lines().size() == 2);

  const Json run = run_document({"attnbench", "run"}, plan, providers, {});
  const Plan again = plan_of(run, "run.json");
  REQUIRE(again.lines().size() == 2);
  std::vector<std::string> ids, ids_again;
  plan.for_each_trial([&](const Trial& trial, int64_t) {
    ids.push_back(trial_id(trial));
    return true;
  });
  again.for_each_trial([&](const Trial& trial, int64_t) {
    ids_again.push_back(trial_id(trial));
    return true;
  });
  CHECK(ids == ids_again);
  CHECK_THROWS_AS(plan_of(Json::object(), "run.json"), Error);
}

TEST_CASE("a resumed run keeps its beginning and tells of a changed provider", "[cli]") {
  std::vector<std::string> notes;
  const Json same = resumed_document(document_with("aa"), document_with("aa"), &notes);
  CHECK(notes.empty());
  CHECK(same["resumed"].size() == 1);
  const Json changed = resumed_document(same, document_with("bb"), &notes);
  CHECK(changed["resumed"].size() == 2);
  CHECK(changed["providers"][0]["sha256"] == "aa");
  REQUIRE(notes.size() == 1);
  CHECK(notes[0].find("cpu_reference is not the file") == 0);
}

TEST_CASE("what a worker tells of its device joins the device of the machine", "[cli]") {
  Json run = document_with("aa");
  DeviceFacts facts;
  facts.device = "cpu";
  facts.name = "Fast CPU";
  facts.driver_version = "580.95.05";
  facts.peak_tflops_fp32 = 0.25;
  add_device(&run, facts);
  REQUIRE(run["devices"].size() == 1);
  CHECK(run["devices"][0]["name"] == "Fast CPU");
  CHECK(run["devices"][0]["opened"]["driver_version"] == "580.95.05");
  CHECK(run["devices"][0]["opened"]["peak_tflops_fp32"] == 0.25);
  CHECK(run["devices"][0]["opened"]["peak_gbps"].is_null());
  close_document(&run, "finished", 5);
  CHECK(run["status"] == "finished");
}

}  // namespace attnbench
