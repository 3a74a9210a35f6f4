// Golden files: what a text should be, as a file that a reviewer sees change. APPROVE=1 in the
// environment renews them instead of comparing.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "support/catch.h"

namespace attnbench {

// `file` is relative to tests/.
inline void check_golden(const std::string& file, const std::string& text) {
  const std::filesystem::path path = std::filesystem::path(ATTNBENCH_SOURCE_DIR) / "tests" / file;
  const char* approve = std::getenv("APPROVE");
  if (approve != nullptr && std::string(approve) == "1") {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream expected;
  expected << stream.rdbuf();
  INFO("golden file " << path << "; APPROVE=1 renews it");
  REQUIRE(stream.good());
  CHECK(text == expected.str());
}

}  // namespace attnbench
