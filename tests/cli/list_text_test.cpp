#include "cli/list_text.h"

#include <nlohmann/json.hpp>

#include "support/catch.h"
#include "support/golden.h"

namespace attnbench {
namespace {

ProviderInfo healthy() {
  ProviderInfo provider;
  provider.path = "/opt/attnbench/good.provider.so";
  provider.sha256 = std::string(64, 'a');
  provider.id = "good";
  provider.version = "1.2.0";
  provider.vendor = "Somebody";
  provider.license = "Apache-2.0";
  provider.description = "tiles of Q against streams of K and V";
  provider.abi = "1.0";
  provider.device_types = {"cpu", "cuda"};
  provider.dtypes = {"fp16", "fp32"};
  provider.features = {"causal", "lse"};
  OptionInfo block{"block_q", "rows of Q in a tile", "int", {}, 0, 0, int64_t{64}, true};
  block.choices = {int64_t{32}, int64_t{64}};
  provider.options = {block,
                      {"threads", "", "int", {}, 1, 8, int64_t{1}, false},
                      {"flavour", "", "string", {}, 0, 0, std::string("plain"), false}};
  provider.usable = {{"cpu", 50, ""}, {"cuda:0", 0, "needs compute capability 9.0"}};
  return provider;
}

}  // namespace

TEST_CASE("providers, healthy and broken, read as their golden file", "[cli]") {
  std::string text = provider_text(healthy(), true, {});
  ProviderInfo unusable = healthy();
  unusable.usable = {{"cpu", 0, "needs AVX-512\x1b[2J"}};
  text += provider_text(unusable, false, {});
  ProviderInfo shadowed = healthy();
  shadowed.state = LibraryState::shadowed;
  shadowed.reason = "/home/me/good.provider.so has the same id and comes first";
  text += provider_text(shadowed, false, {});
  ProviderInfo broken;
  broken.path = "/opt/attnbench/bad.provider.so";
  broken.state = LibraryState::missing_dependency;
  broken.reason = "libcudart.so.12: cannot open shared object file";
  text += provider_text(broken, false, {});
  check_golden("cli/golden/providers.txt", text);
}

TEST_CASE("a sweep that does not parse is a row with its error", "[cli]") {
  const std::vector<SweepListing> sweeps = {{"quick", "a/quick.toml", "a first look", ""},
                                            {"odd", "a/odd.toml", "", "a/odd.toml:1:1: no"}};
  CHECK(sweeps_text(sweeps, {}) ==
        "sweep  what it measures\n"
        "-----  ------------------\n"
        "quick  a first look\n"
        "odd    a/odd.toml:1:1: no\n");
  CHECK(sweeps_json(sweeps)[1]["error"] == "a/odd.toml:1:1: no");
}

TEST_CASE("a machine without a GPU says so", "[cli]") {
  Machine machine;
  CHECK(devices_text(machine).find("no GPU") != std::string::npos);
  machine.gpus = {{"cuda:0", "NVIDIA H100"}};
  CHECK(devices_text(machine).find("no GPU") == std::string::npos);
  CHECK(devices_text(machine).find("cuda:0  NVIDIA H100\n") != std::string::npos);
  CHECK(to_json(machine)["devices"][1]["name"] == "NVIDIA H100");
}

}  // namespace attnbench
