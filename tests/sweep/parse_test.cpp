#include "sweep/parse.h"

#include <filesystem>

#include "fakes.h"
#include "support/catch.h"
#include "sweep/find.h"
#include "sweep/shipped.h"

using namespace attnbench;

namespace {

// The shipped providers as if they were installed here, all of them.
std::vector<ProviderInfo> all_shipped() {
  std::vector<ProviderInfo> providers;
  for (const ShippedProvider& shipped : kShippedProviders) {
    std::vector<OptionInfo> options;
    for (const std::string_view name : shipped.options) {
      options.push_back(int_option(std::string(name), {}));
      options.back().max = 1024;
    }
    providers.push_back(
        fake_provider(std::string(shipped.id), std::string(shipped.device_type), options));
  }
  return providers;
}

}  // namespace

TEST_CASE("a sweep with every key reads as written", "[parse]") {
  const Sweep sweep = parse_sweep(R"(
description = "all of it"
filter = ["mode=fwd", "-heads=3"]
[problem]
mode = "bwd"
dtype = "bf16"
batch = 2
heads = 8
kv_heads = 4
seqlen_q = 16
seqlen_kv = 32
head_dim = 40
layout = "bhsd"
causal = "bottom_right"
bias = "1h"
scale = 0.5
[inputs]
stddev = 1
bias_low = -100.0
bias_low_fraction = 0.5
bias_stddev = 0.25
[[axis]]
name = "warps"
values = [1, {value = 2, label = "two"}]
[[provider]]
id = "tile"
label = "Tile"
options = {block_q = 64, rate = 0.5, kind = "x"}
device = "cpu"
optional = true
overlay = true
color = "#00aA00"
dash = "dotted"
[[exclude]]
warps = [2]
provider = "tile"
[plot]
x = "warps"
name = "one"
x_label = "warps a block"
y_label = "MS"
x_log = true
y_log = true
[measure]
effort = "headline"
cache = "warm"
protocol = "do_bench"
seed = 7
verify_rows = 3
[sentinel]
execution_ms = 1
preparation_ms = 2.5
)",
                                  "dir/all.toml");
  CHECK(sweep.name == "all");
  CHECK(sweep.description == "all of it");
  CHECK(sweep.filters == std::vector<std::string>{"mode=fwd", "-heads=3"});
  CHECK(sweep.problem.size() == 12);
  CHECK(sweep.inputs == Inputs{1.0, -100.0, 0.5, 0.25});
  CHECK(sweep.axes.at(0).rows.at(1).cells.at(0).label == "two");
  CHECK(sweep.axes.at(0).rows.at(1).where.text() == "dir/all.toml:24:14");
  const Line& line = sweep.lines.at(0);
  CHECK(to_text(line.options) == "block_q=64 kind=x rate=0.5");
  CHECK(line.device_type == "cpu");
  CHECK(line.is_optional);
  CHECK(line.is_overlay);
  CHECK(line.color == "#00aA00");
  CHECK(line.dash == "dotted");
  CHECK(sweep.excludes.at(0).conditions.size() == 2);
  CHECK(sweep.plot.x == "warps");
  CHECK(sweep.plot.x_label == "warps a block");
  CHECK(sweep.plot.y_label == "MS");
  CHECK((sweep.plot.is_x_log && sweep.plot.is_y_log));
  CHECK(sweep.measure == MeasureSettings{Effort::headline, Cache::warm, Protocol::do_bench, 7, 3});
  CHECK(sweep.sentinels == Sentinels{1.0, 2.5});
  // And back again.
  CHECK(to_toml(parse_sweep(to_toml(sweep), "dir/all.toml")) == to_toml(sweep));
}

TEST_CASE("what nobody wrote has the documented default", "[parse]") {
  const Plan plan = plan_of(
      "[problem]\nheads = 4\nhead_dim = 64\nseqlen = 32\n[[provider]]\nid = \"cpu_reference\"\n");
  const std::vector<Trial> trials = trials_of(plan);
  REQUIRE(trials.size() == 1);
  Problem expected;
  expected.heads = expected.kv_heads = 4;
  expected.seqlen_q = expected.seqlen_kv = 32;
  expected.head_dim = 64;
  CHECK(trials[0].problem == expected);
  CHECK(plan.sweep().plot.x == "seqlen");
  CHECK(plan.sweep().plot.y_label == "ms");
  CHECK(plots_of(plan).at(0).name == "test");
}

TEST_CASE("a text with quotes, backslashes and control characters survives as TOML", "[parse]") {
  Sweep sweep = parse_sweep(
      "[problem]\nheads = 4\nhead_dim = 64\nseqlen = 32\n[[provider]]\nid = \"cpu_reference\"\n",
      "test.toml");
  sweep.description = "a \"quoted\" C:\\path\n\ttab \x01 \x7f caf\xc3\xa9";
  CHECK(parse_sweep(to_toml(sweep), "test.toml").description == sweep.description);
}

TEST_CASE("every shipped sweep survives as TOML", "[parse]") {
  const std::filesystem::path folder = std::filesystem::path(ATTNBENCH_SOURCE_DIR) / "sweeps";
  for (const SweepListing& listing : list_sweeps({folder})) {
    CAPTURE(listing.name);
    const Sweep sweep = load_sweep(listing.name, {folder});
    const Sweep again = parse_sweep(to_toml(sweep), sweep.file);
    CHECK(to_toml(again) == to_toml(sweep));
    const Plan before = expand(sweep, all_shipped(), {"cpu", "cuda:0"});
    const Plan after = expand(again, all_shipped(), {"cpu", "cuda:0"});
    CHECK(trials_of(after) == trials_of(before));
    CHECK(after.counts().points == before.counts().points);
  }
}
