// Every provider that ships with us exports the one symbol of the contract and nothing else: two of
// them in one process could otherwise mix.
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "support/catch.h"

namespace {

// The last word of each line of `nm -D --defined-only`.
std::vector<std::string> exported_symbols(const std::string& path) {
  FILE* pipe = popen(("nm -D --defined-only '" + path + "'").c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::vector<std::string> symbols;
  char line[1024];
  while (std::fgets(line, sizeof line, pipe)) {
    std::string text(line);
    text.erase(text.find_last_not_of('\n') + 1);
    symbols.push_back(text.substr(text.rfind(' ') + 1));
  }
  CHECK(pclose(pipe) == 0);
  return symbols;
}

TEST_CASE("each shipped provider exports one symbol", "[abi]") {
  int num_providers = 0;
  const std::filesystem::path folder = ATTNBENCH_BUILD_DIR "/lib/attnbench/providers";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (!entry.path().string().ends_with(".provider.so")) continue;
    ++num_providers;
    INFO(entry.path());
    CHECK(exported_symbols(entry.path()) == std::vector<std::string>{"attn_provider_entry_v1"});
  }
  CHECK(num_providers >= 1);
}

}  // namespace
