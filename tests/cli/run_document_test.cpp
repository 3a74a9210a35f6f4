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
  facts.peak_tflops_fp32 = 0.25;
  add_device(&run, facts);
  REQUIRE(run["devices"].size() == 1);
  CHECK(run["devices"][0]["name"] == "Fast CPU");
  CHECK(run["devices"][0]["opened"]["peak_tflops_fp32"] == 0.25);
  CHECK(run["devices"][0]["opened"]["peak_gbps"].is_null());
  close_document(&run, "finished", 5);
  CHECK(run["status"] == "finished");
}

}  // namespace attnbench
