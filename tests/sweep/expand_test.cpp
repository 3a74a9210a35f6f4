#include "sweep/expand.h"

#include <sys/resource.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <set>

#include "base/file.h"
#include "fakes.h"
#include "support/catch.h"
#include "sweep/find.h"
#include "sweep/override.h"

using namespace attnbench;

namespace {

Sweep shipped(const std::string& name) {
  return load_sweep(name, {std::filesystem::path(ATTNBENCH_SOURCE_DIR) / "sweeps"});
}

std::vector<ProviderInfo> seed_providers() {
  const std::vector<OptionValue> tiles = {int64_t{32}, int64_t{64}, int64_t{128}};
  const std::vector<OptionInfo> options = {int_option("block_q", tiles),
                                           int_option("block_k", tiles)};
  return {fake_provider("block_ptr", "cuda", options), fake_provider("ptr_block", "cuda", options),
          fake_provider("unfused_sdpa", "cuda")};
}

constexpr const char* kProblem = "[problem]\nheads = 4\nhead_dim = 64\n";
constexpr const char* kReference = "[[provider]]\nid = \"cpu_reference\"\n";
constexpr const char* kTile = "[[provider]]\nid = \"tile\"\n";

std::string axis(const std::string& name, const std::string& values) {
  return "[[axis]]\nname = \"" + name + "\"\nvalues = " + values + "\n";
}

#ifdef __SANITIZE_ADDRESS__  // slow, and keeps freed memory for a while, up to 256 MiB
constexpr double kMostSeconds = 60.0;
constexpr long kMostGrowthKib = 512 * 1024;
#else
constexpr double kMostSeconds = 5.0;
constexpr long kMostGrowthKib = 8 * 1024;
#endif

}  // namespace

TEST_CASE("mha_full is the seed's grid: 972 plots, 14580 points, 10260 distinct trials",
          "[sweep]") {
  // 2 modes x 3 batches x 2 biases x 3 head_dims x 3 heads x 5 lengths = 540 problems. Two
  // providers have 9 tile shapes each, unfused_sdpa has none: 540 x (9 + 9 + 1).
  for (const bool is_installed : {true, false}) {
    const Plan plan =
        expand(shipped("mha_full"), is_installed ? seed_providers() : std::vector<ProviderInfo>(),
               {"cpu", "cuda:0"});
    CHECK(plan.counts().plots == 972);
    CHECK(plan.counts().points == 14580);
    CHECK(plan.counts().cases == 540);
    CHECK(plan.counts().trials == 10260);
  }
}

TEST_CASE("mha_full's plots have the seed's names in the seed's order", "[sweep]") {
  const Plan plan = expand(shipped("mha_full"), seed_providers(), {"cuda:0"});
  std::vector<std::string> names;
  plan.for_each_plot([&names](const Plot& plot) {
    names.push_back(plot.name);
    return true;
  });
  REQUIRE(names.size() == 972);
  std::vector<std::string> expected;
  for (const char* mode : {"bwd", "fwd"}) {
    for (const char* batch : {"1", "2", "4"}) {
      for (const char* bias : {"True", "False"}) {
        for (const char* headdim : {"64", "128", "256"}) {
          for (const char* heads : {"8", "16", "32"}) {
            for (const char* q : {"32", "64", "128"}) {
              for (const char* k : {"32", "64", "128"}) {
                expected.push_back(std::string("batch_size=") + batch + "-bias=" + bias +
                                   "-headdim=" + headdim + "-num_heads=" + heads +
                                   "-blocksize_q=" + q + "-blocksize_k=" + k + "-mode=" + mode);
              }
            }
          }
        }
      }
    }
  }
  CHECK(names == expected);
  CHECK(names.front() ==
        "batch_size=1-bias=True-headdim=64-num_heads=8-blocksize_q=32-blocksize_k=32-mode=bwd");
  CHECK(names[973 / 2 + 1] ==
        "batch_size=1-bias=True-headdim=64-num_heads=8-blocksize_q=32-blocksize_k=64-mode=fwd");
  CHECK(
      names.back() ==
      "batch_size=4-bias=False-headdim=256-num_heads=32-blocksize_q=128-blocksize_k=128-mode=fwd");
}

TEST_CASE("mha_full's lines, x values and problems are the seed's", "[sweep]") {
  const Plan plan = expand(shipped("mha_full"), seed_providers(), {"cuda:0"});
  std::vector<Plot> first;
  plan.for_each_plot([&first](const Plot& plot) {
    first.push_back(plot);
    return false;
  });
  REQUIRE(first.size() == 1);
  CHECK(first[0].x_values == std::vector<double>{1024, 2048, 4096, 6144, 8192});
  REQUIRE(first[0].lines.size() == 3);
  CHECK(first[0].lines[0].label == "Triton-BlockPtr");
  CHECK(first[0].lines[1].label == "Triton-PtrBlock");
  CHECK(first[0].lines[2].label == "Jax");
  std::vector<Trial> trials;
  plan.for_each_trial([&trials](const Trial& trial, int64_t) {
    trials.push_back(trial);
    return trials.size() < 19;
  });
  const Problem& problem = trials[0].problem;
  CHECK(to_text(problem) == "fwd_bwd fp16 b1 h8 s1024 d64 bias=b1");
  CHECK(problem.kv_heads == 8);
  CHECK(problem.inputs == Inputs{2.0, -65504.0, 0.25, 0.0});
  CHECK(to_text(trials[0].options) == "block_k=32 block_q=32");
  CHECK(trials[18].provider == "unfused_sdpa");
  CHECK(trials[18].options.empty());
  CHECK(trials[18].problem == problem);
}

TEST_CASE("every point of every plot is one of the distinct trials, and each is used", "[sweep]") {
  Overrides overrides;
  overrides.axes = {"batch=1", "head_dim=64", "heads=8,16"};
  const Plan plan = expand(apply(shipped("mha_full"), overrides), seed_providers(), {"cuda:0"});
  std::set<std::string> ids;
  for (const Trial& trial : trials_of(plan)) CHECK(ids.insert(trial_id(trial)).second);
  CHECK(static_cast<int64_t>(ids.size()) == plan.counts().trials);
  std::set<std::string> used;
  int64_t points = 0;
  for (const Plot& plot : plots_of(plan)) {
    for (const PlotLine& line : plot.lines) {
      used.insert(line.trial_ids.begin(), line.trial_ids.end());
      points += static_cast<int64_t>(line.trial_ids.size());
    }
  }
  CHECK(used == ids);
  CHECK(points == plan.counts().points);
}

TEST_CASE("trials of one case follow each other", "[sweep]") {
  const std::vector<ProviderInfo> providers = {fake_provider("cpu_reference", "cpu"),
                                               fake_provider("block_ptr", "cuda")};
  const Sweep sweep = parse_sweep(std::string(kProblem) + axis("seqlen", "[64, 128]") + kReference +
                                      "[[provider]]\nid = \"block_ptr\"\n"
                                      "[[provider]]\nid = \"cpu_reference\"\nlabel = \"again\"\n",
                                  "test.toml");
  const Plan plan = expand(sweep, providers, {"cpu", "cuda:0"});
  std::map<std::string, int64_t> index_of_case;
  std::vector<int64_t> indices;
  plan.for_each_trial([&](const Trial& trial, int64_t case_index) {
    const auto [known, is_new] =
        index_of_case.try_emplace(case_id(trial.problem, trial.device), case_index);
    CHECK(known->second == case_index);
    indices.push_back(case_index);
    return true;
  });
  CHECK(indices == std::vector<int64_t>{0, 1, 2, 3});
  CHECK(plan.counts().cases == 4);
}

TEST_CASE("a provider without the option is measured once and serves every plot", "[sweep]") {
  const Plan plan = plan_of(std::string(kProblem) + axis("block_q", "[32, 64]") +
                            axis("seqlen", "[64, 128]") + kReference + kTile);
  CHECK(plan.counts().points == 8);
  CHECK(plan.counts().trials == 6);
  const std::vector<Plot> plots = plots_of(plan);
  REQUIRE(plots.size() == 2);
  CHECK(plots[0].lines[0].trial_ids == plots[1].lines[0].trial_ids);
  CHECK(plots[0].lines[1].trial_ids != plots[1].lines[1].trial_ids);
}

TEST_CASE("an option of the line wins over the axis, and a line repeats no trial of another",
          "[sweep]") {
  const Plan plan = plan_of(std::string(kProblem) + axis("block_q", "[32, 64]") +
                            axis("seqlen", "[64, 128]") + kTile +
                            "[[provider]]\nid = \"tile\"\nlabel = \"fixed\"\n"
                            "options = {block_q = 64}\n");
  CHECK(plan.counts().points == 8);
  CHECK(plan.counts().trials == 4);  // "fixed" is half of "tile"
  const std::vector<Plot> plots = plots_of(plan);
  CHECK(plots[0].lines[1].trial_ids == plots[1].lines[0].trial_ids);
}

TEST_CASE("zipped names change together, fields and options alike", "[sweep]") {
  const Plan plan =
      plan_of(std::string(kProblem) +
              "[[axis]]\nnames = [\"seqlen_q\", \"seqlen_kv\", \"block_q\"]\n"
              "values = [[1, 64, 32], [1, 64, 64], [2, 128, 32]]\n" +
              axis("batch", "[1, 2]") + kReference + kTile + "[plot]\nx = \"batch\"\n");
  // tile: 3 rows x 2; cpu_reference: its first two rows are one problem, 2 x 2.
  CHECK(plan.counts().trials == 10);
  CHECK(plan.counts().cases == 4);
  CHECK(plan.counts().plots == 3);
  CHECK(plots_of(plan)[0].name == "seqlen_q=1-seqlen_kv=64-block_q=32");
}

TEST_CASE("excluded points are gaps, and a trial lives while one of its points does", "[sweep]") {
  const std::string grid = std::string(kProblem) + axis("block_q", "[32, 64]") +
                           axis("seqlen", "[64, 128]") + kReference + kTile;
  const Plan some = plan_of(grid + "[[exclude]]\nblock_q = 64\nseqlen = 128\n");
  CHECK(some.counts().points == 6);
  CHECK(some.counts().trials == 5);  // cpu_reference at 128 lives in the plot of block_q 32
  const std::vector<Plot> plots = plots_of(some);
  CHECK_FALSE(plots[0].lines[0].trial_ids[1].empty());
  CHECK(plots[1].lines[0].trial_ids[1].empty());
  CHECK(plots[1].lines[1].trial_ids[1].empty());

  const Plan one_provider =
      plan_of(grid + "[[exclude]]\nprovider = \"tile\"\nseqlen = [64, 128]\n");
  CHECK(one_provider.counts().trials == 2);
  CHECK(one_provider.counts().plots == 2);

  const Plan whole_plot = plan_of(grid + "[[exclude]]\nblock_q = 64\n");
  CHECK(whole_plot.counts().plots == 1);
  CHECK(plots_of(whole_plot).size() == 1);
  CHECK(whole_plot.counts().trials == 4);
}

TEST_CASE("a value that a provider lacks may be excluded for it alone", "[sweep]") {
  const std::string grid = std::string(kProblem) + axis("block_q", "[32, 48]") +
                           axis("seqlen", "[64]") + kReference + kTile;
  CHECK_THROWS_AS(plan_of(grid), SweepError);
  const Plan plan = plan_of(grid + "[[exclude]]\nprovider = \"tile\"\nblock_q = 48\n");
  CHECK(plan.counts().trials == 2);
}

TEST_CASE("filters leave out trials and the plots that become empty", "[sweep]") {
  const std::string grid = std::string(kProblem) + axis("batch", "[1, 2]") +
                           axis("seqlen", "[64, 128]") + kReference + kTile;
  const Plan plan = plan_of("filter = ['batch=1\\b', '-provider=tile.*seqlen_q=128']\n" + grid);
  CHECK(plan.counts().plots == 1);
  CHECK(plan.counts().points == 3);
  CHECK(plan.counts().trials == 3);
  CHECK(plots_of(plan)[0].lines[1].trial_ids[1].empty());
}

TEST_CASE("a provider that ships but is not installed is planned, a GPU or not", "[sweep]") {
  const Plan plan = plan_of(std::string(kProblem) + axis("seqlen", "[64]") +
                            "[[provider]]\nid = \"block_ptr\"\n");
  REQUIRE(plan.lines().size() == 1);
  CHECK(plan.lines()[0].device == "cuda:0");
  CHECK_FALSE(plan.lines()[0].is_installed);
  CHECK(plan.counts().trials == 1);
}

TEST_CASE("an optional line is left out, and said so, where it cannot run", "[sweep]") {
  const std::string text = std::string(kProblem) + axis("seqlen", "[64]") + kReference +
                           "[[provider]]\nid = \"block_ptr\"\noptional = true\n";
  const Sweep sweep = parse_sweep(text, "test.toml");
  const Plan without_gpu = expand(sweep, fake_providers(), {"cpu"});
  CHECK(without_gpu.lines().size() == 1);
  CHECK(without_gpu.notes() ==
        std::vector<std::string>{"block_ptr is left out: this machine has no usable GPU"});
  const Plan not_installed = expand(sweep, fake_providers(), {"cpu", "cuda:0"});
  CHECK(not_installed.notes() ==
        std::vector<std::string>{"block_ptr is left out: it is not installed"});

  std::vector<ProviderInfo> providers = fake_providers();
  providers.push_back(fake_provider("block_ptr", "cuda"));
  providers.back().usable = {{"cuda:0", 0, "needs compute capability 9.0"}};
  const Plan unusable = expand(sweep, providers, {"cpu", "cuda:0"});
  CHECK(unusable.notes() ==
        std::vector<std::string>{"block_ptr is left out: needs compute capability 9.0"});
  providers.back().usable = {{"cuda:0", 90, ""}};
  const Plan usable = expand(sweep, providers, {"cpu", "cuda:0"});
  REQUIRE(usable.lines().size() == 2);
  CHECK(usable.lines()[1].device == "cuda:0");
}

TEST_CASE("a provider for both devices runs on the GPU unless its line says otherwise", "[sweep]") {
  ProviderInfo both = fake_provider("both", "cpu");
  both.device_types.push_back("cuda");
  const std::string text =
      std::string(kProblem) + axis("seqlen", "[64]") + "[[provider]]\nid = \"both\"\n";
  const auto device_of = [&both](const std::string& toml, const std::vector<std::string>& devices) {
    return expand(parse_sweep(toml, "test.toml"), {both}, devices).lines()[0].device;
  };
  CHECK(device_of(text, {"cpu", "cuda:1"}) == "cuda:1");
  CHECK(device_of(text, {"cpu"}) == "cpu");
  CHECK(device_of(text + "device = \"cpu\"\n", {"cpu", "cuda:1"}) == "cpu");
}

TEST_CASE("a library that is broken is planned under its file's name", "[sweep]") {
  ProviderInfo broken;
  broken.path = "/opt/providers/mine.provider.so";
  broken.state = LibraryState::missing_dependency;
  const Sweep sweep =
      parse_sweep(std::string(kProblem) + axis("seqlen", "[64]") + "[[provider]]\nid = \"mine\"\n",
                  "test.toml");
  CHECK_THROWS_AS(expand(sweep, {}, {"cpu"}), SweepError);
  const Plan plan = expand(sweep, {broken}, {"cpu"});
  CHECK(plan.lines()[0].device == "cpu");
  CHECK_FALSE(plan.lines()[0].is_installed);
}

TEST_CASE("an x that is no number is numbered", "[sweep]") {
  const Plan plan = plan_of(std::string(kProblem) + "seqlen = 64\n" +
                            axis("dtype", R"(["fp32", "fp16"])") + kReference);
  const Plot plot = plots_of(plan).at(0);
  CHECK(plot.x_labels == std::vector<std::string>{"fp32", "fp16"});
  CHECK(plot.x_values == std::vector<double>{0, 1});
  CHECK(plot.name == "test");
}

TEST_CASE("a million trials expand in under 5 s with flat memory", "[sweep]") {
  const std::string text = "[problem]\nhead_dim = 64\n" + axis("batch", "\"1:50:1\"") +
                           axis("heads", "\"1:100:1\"") + axis("block_q", "[32, 64]") +
                           axis("seqlen", "\"64:6400:64\"") + kTile;
  const auto peak_kib = [] {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
  };
  const long before_kib = peak_kib();
  const std::chrono::steady_clock::time_point begin = std::chrono::steady_clock::now();
  const Plan plan = plan_of(text);
  int64_t trials = 0;
  plan.for_each_trial([&trials](const Trial&, int64_t) {
    ++trials;
    return true;
  });
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
  CHECK(trials == 1'000'000);
  CHECK(plan.counts().trials == trials);
  CHECK(elapsed.count() < kMostSeconds);
  CHECK(peak_kib() - before_kib < kMostGrowthKib);
}
