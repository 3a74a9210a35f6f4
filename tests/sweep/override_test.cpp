#include "sweep/override.h"

#include "fakes.h"
#include "support/catch.h"

using namespace attnbench;

namespace {

constexpr const char* kText = R"(
[problem]
heads = 4
head_dim = 64
[[axis]]
name = "mode"
values = [{value = "fwd_bwd", label = "bwd"}, "fwd"]
[[axis]]
name = "bias"
values = [true, false]
[[axis]]
name = "seqlen"
values = [64, 128]
[[provider]]
id = "tile"
label = "Tile"
options = {block_k = 64}
[[provider]]
id = "cpu_reference"
optional = true
[[exclude]]
mode = "fwd"
seqlen = 128
)";

Sweep with(const Overrides& overrides) {
  return apply(parse_sweep(kText, "test.toml"), overrides);
}

std::vector<int64_t> lengths(const std::string& written) {
  std::vector<int64_t> values;
  const Sweep sweep = with({{written}, {}, {}});
  for (const Row& row : sweep.axes.back().rows) {
    values.push_back(std::get<int64_t>(row.cells[0].value));
  }
  return values;
}

}  // namespace

TEST_CASE("the option -a takes values, ranges and powers, once each", "[override]") {
  CHECK(lengths("seqlen=7") == std::vector<int64_t>{7});
  CHECK(lengths("seqlen=1024:8192:2048") == std::vector<int64_t>{1024, 3072, 5120, 7168});
  CHECK(lengths("seqlen=1024:3072:1024") == std::vector<int64_t>{1024, 2048, 3072});
  CHECK(lengths("seqlen=128:1024:*2") == std::vector<int64_t>{128, 256, 512, 1024});
  CHECK(lengths("seqlen=128:1023:*2,5, 256") == std::vector<int64_t>{128, 256, 512, 5});
}

TEST_CASE("a value keeps the label that the sweep gives it", "[override]") {
  const Sweep sweep = with({{"mode=fwd_bwd,bwd", "bias=false"}, {}, {}});
  CHECK(sweep.axes[0].rows[0].cells[0].label == "bwd");
  CHECK(sweep.axes[1].rows[0].cells[0].label == "False");
  CHECK(std::get<std::string>(sweep.axes[1].rows[0].cells[0].value) == "none");
}

TEST_CASE("a fixed field changes, or becomes the slowest axis with its place in the name",
          "[override]") {
  CHECK(with({{"heads=8"}, {}, {}}).axes.size() == 3);
  const Sweep sweep = with({{"heads=8,16"}, {}, {}});
  CHECK(sweep.axes[0].names == std::vector<std::string>{"heads"});
  const Plan plan = expand(sweep, fake_providers(), {"cpu"});
  CHECK(plots_of(plan).back().name == "mode=fwd-bias=False-heads=16");
  CHECK(trials_of(plan).back().problem.kv_heads == 16);
}

TEST_CASE("an option joins as an axis", "[override]") {
  const Plan plan = expand(with({{"block_q=32,64"}, {}, {}}), fake_providers(), {"cpu"});
  // 3 of 4 mode-length pairs x 2 biases, each for two tiles and the reference.
  CHECK(plan.counts().trials == 6 * 3);
}

TEST_CASE("the option --providers chooses lines in its own order and lets others join",
          "[override]") {
  const Sweep sweep = with({{}, {}, {"cpu_reference", "tile"}});
  CHECK(sweep.lines[0].id == "cpu_reference");
  CHECK_FALSE(sweep.lines[0].is_optional);
  CHECK(sweep.lines[1].label == "Tile");
  CHECK(sweep.lines[1].options.size() == 1);
  const Sweep joined = with({{}, {}, {"cpu_flash"}});
  REQUIRE(joined.lines.size() == 1);
  CHECK(joined.lines[0].label == "cpu_flash");
}

TEST_CASE("an overlay joins the lines behind the others, also those of --providers", "[override]") {
  const Sweep sweep = with({{}, {}, {"cpu_reference"}, {"cpu_flash"}});
  REQUIRE(sweep.lines.size() == 2);
  CHECK_FALSE(sweep.lines[0].is_overlay);
  CHECK(sweep.lines[1].id == "cpu_flash");
  CHECK(sweep.lines[1].is_overlay);
  CHECK_THROWS_AS(with({{}, {}, {}, {""}}), SweepError);
  CHECK_THROWS_AS(with({{}, {}, {}, {"tile"}}), SweepError);  // a line already
}

TEST_CASE("an exclude whose values have gone goes too", "[override]") {
  CHECK(with({}).excludes.size() == 1);
  CHECK(with({{"seqlen=64"}, {}, {}}).excludes.empty());
}

TEST_CASE("a sweep that the command line changed survives as TOML", "[override]") {
  const Sweep sweep =
      with({{"heads=8,16", "seqlen=64:256:*2"}, {"-heads=16.*\\b64"}, {"tile"}, {"cpu_flash"}});
  const Plan before = expand(sweep, fake_providers(), {"cpu"});
  const Plan after = expand(parse_sweep(to_toml(sweep), "test.toml"), fake_providers(), {"cpu"});
  CHECK(trials_of(after) == trials_of(before));
  CHECK(to_toml(after.sweep()) == to_toml(sweep));
}
