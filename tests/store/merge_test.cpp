#include "store/merge.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "sample_record.h"
#include "support/catch.h"

using namespace attnbench;

namespace {

Json document(const std::string& gpu = "GPU X") {
  return {{"sweep", {{"toml", "text"}}},
          {"argv", {"attnbench", "run"}},
          {"secret_seed", 7},
          {"measure", to_json(MeasureSettings{})},
          {"providers", {{{"id", "null"}, {"sha256", "aa"}}}},
          {"devices",
           {{{"device", "cpu"}, {"name", "CPU"}, {"allowed_cpus", 2}},
            {{"device", "cuda:0"}, {"name", gpu}}}}};
}

Record on_gpu(int64_t seqlen, const std::string& provider = "null", double median_ms = 0.5) {
  Record record = sample_record(seqlen, median_ms);
  record.trial.device = "cuda:0";
  record.trial.provider = provider;
  record.trial_id = trial_id(record.trial);
  record.started_utc = "2026-01-01T00:00:00Z";
  return record;
}

RunPiece piece(const std::string& name, const Json& run, const std::vector<Record>& records) {
  RunPiece made{name, dump_json(run), {}};
  for (const Record& record : records) made.records.add(record, name);
  return made;
}

std::string refusal(const Json& one, const Json& other) {
  try {
    merge_pieces({piece("a", one, {on_gpu(1)}), piece("b", other, {on_gpu(2)})});
  } catch (const Error& error) {
    return error.line();
  }
  return "";
}

}  // namespace

TEST_CASE("two pieces become one run that remembers them", "[merge]") {
  const MergedRun merged = merge_pieces(
      {piece("a", document(), {on_gpu(1)}), piece("b", document(), {on_gpu(2), on_gpu(3)})});
  CHECK(merged.records.size() == 3);
  CHECK(merged.notes.empty());
  const Json run = parse_json(merged.run_json, "merged");
  REQUIRE(run["pieces"].size() == 2);
  CHECK(run["pieces"][1]["directory"] == "b");
  CHECK(run["pieces"][1]["secret_seed"] == 7);
  CHECK_FALSE(run.contains("secret_seed"));
}

TEST_CASE("another model, effort, cache or regime is refused with what to do", "[merge]") {
  CHECK(refusal(document(), document()).empty());
  CHECK(refusal(document("GPU X"), document("GPU Y")) ==
        "a and b do not belong together: cuda:0 is GPU X here, GPU Y there -- keep them apart; "
        "`attnbench compare` shows them side by side");
  for (const char* key : {"effort", "cache", "protocol"}) {
    Json other = document();
    other["measure"][key] = key == std::string("effort")  ? "grid"
                            : key == std::string("cache") ? "warm"
                                                          : "do_bench";
    CHECK_THAT(refusal(document(), other), Catch::Contains(std::string(key) + " is "));
  }
  Record steady = on_gpu(1), boost = on_gpu(2);
  steady.state_json = R"([{"regime":"steady"}])";
  boost.state_json = R"([{"regime":"boost"}])";
  CHECK_THROWS_AS(merge_pieces({piece("a", document(), {steady}), piece("b", document(), {boost})}),
                  Error);
}

TEST_CASE("a device that a piece has but did not use is no reason to refuse", "[merge]") {
  const MergedRun merged = merge_pieces({piece("a", document("GPU X"), {on_gpu(1)}),
                                         piece("b", document("GPU Y"), {sample_record(2)})});
  CHECK(merged.records.size() == 2);
}

TEST_CASE("another build of a provider is merged and told", "[merge]") {
  Json other = document();
  other["providers"][0]["sha256"] = "bb";
  const MergedRun merged =
      merge_pieces({piece("a", document(), {on_gpu(1)}), piece("b", other, {on_gpu(2)})});
  REQUIRE(merged.notes.size() == 1);
  CHECK_THAT(merged.notes[0], Catch::Contains("the file of null is aa here, bb there"));
}

TEST_CASE("of a trial in two pieces the one with a time counts, then the later", "[merge]") {
  Record failed = on_gpu(1);
  failed.outcome = Outcome::timed_out;
  failed.started_utc = "2026-01-03T00:00:00Z";
  Record later = on_gpu(1, "null", 0.25);
  later.started_utc = "2026-01-02T00:00:00Z";
  const MergedRun merged =
      merge_pieces({piece("a", document(), {on_gpu(1, "null", 0.5)}),
                    piece("b", document(), {later}), piece("c", document(), {failed})});
  REQUIRE(merged.records.size() == 1);
  CHECK(merged.records[0].samples_ms[0] == 0.25);
  REQUIRE(merged.notes.size() == 1);
  CHECK_THAT(merged.notes[0], Catch::Contains("more than one piece"));
}

TEST_CASE("providers of one problem that were in two pieces did not take turns", "[merge]") {
  const MergedRun merged = merge_pieces({piece("a", document(), {on_gpu(1, "x"), on_gpu(2, "x")}),
                                         piece("b", document(), {on_gpu(1, "y")})});
  REQUIRE(merged.records.size() == 3);
  CHECK_FALSE(merged.records[0].interleaved);
  CHECK(merged.records[1].interleaved);
  CHECK_FALSE(merged.records[2].interleaved);
}

TEST_CASE("the device that a piece has opened is the one that is kept", "[merge]") {
  Json opened = document();
  opened["devices"][1]["opened"] = {{"threads", 1}};
  const MergedRun merged =
      merge_pieces({piece("a", document(), {}), piece("b", opened, {on_gpu(1)})});
  CHECK(parse_json(merged.run_json, "merged")["devices"][1].contains("opened"));
}
