// Every mistake that a sweep can have, as a file in bad/, with the line that its author reads. The
// golden file is the review: APPROVE=1 writes it anew, and the diff shows what users will see.
#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/file.h"
#include "base/text.h"
#include "fakes.h"
#include "support/catch.h"
#include "sweep/override.h"

using namespace attnbench;
namespace fs = std::filesystem;

namespace {

const fs::path kHere = fs::path(ATTNBENCH_SOURCE_DIR) / "tests/sweep";

std::string message_of(const std::string& text, const std::string& file,
                       const Overrides& overrides = {}) {
  try {
    expand(apply(parse_sweep(text, file), overrides), fake_providers(), {"cpu"});
  } catch (const SweepError& error) {
    return error.line();
  }
  return file + ": no mistake was found";
}

std::string messages_of_bad_files() {
  std::vector<fs::path> paths;
  for (const fs::directory_entry& entry : fs::directory_iterator(kHere / "bad")) {
    paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::string messages;
  for (const fs::path& path : paths) {
    messages += message_of(read_file(path), path.filename().string()) + "\n";
  }
  return messages;
}

constexpr const char* kGood = R"(
[problem]
head_dim = 64
batch = 1
[[axis]]
names = ["heads", "kv_heads"]
values = [[4, 4], [4, 1]]
[[axis]]
name = "seqlen"
values = [64, 128]
[[provider]]
id = "tile"
[plot]
name = "{heads}-{kv_heads}"
)";

std::string messages_of_command_lines() {
  std::vector<Overrides> mistakes;
  for (const char* axis :
       {"seqlen", "=3", "seqlen=", "seqlen=64,,128", "seqlen=1024:8192", "seqlen=0", "dtype=fp8",
        "heads=8", "seqln=64", "block_q=48", "warps=9,10", "bias=maybe", "seqlen=8:64:*1",
        "seqlen=9223372036854775807", "seqlen=1:64:9223372036854775807x", "seqlen_q=7,8"}) {
    mistakes.push_back({{axis}, {}, {}});
  }
  for (const char* filter : {"", "-", "[", "(a)\\1", "mode=nothing"}) {
    mistakes.push_back({{}, {filter}, {}});
  }
  mistakes.push_back({{}, {}, {"tiles"}});
  mistakes.push_back({{}, {}, {"tile", ""}});
  mistakes.push_back({{}, {}, {"tile", "tile"}});
  std::string messages;
  for (const Overrides& overrides : mistakes) {
    messages += message_of(kGood, "good.toml", overrides) + "\n";
  }
  return messages;
}

void compare_with_golden(const std::string& actual, const fs::path& golden) {
  if (std::getenv("APPROVE") != nullptr) replace_file(golden, actual);
  const std::vector<std::string> lines = split(actual, '\n');
  const std::vector<std::string> expected = split(read_file(golden), '\n');
  for (size_t i = 0; i < std::min(lines.size(), expected.size()); ++i)
    CHECK(lines[i] == expected[i]);
  CHECK(lines.size() == expected.size());
}

}  // namespace

TEST_CASE("every mistake in a sweep is told in one line with its place and a way out", "[sweep]") {
  const std::string messages = messages_of_bad_files();
  for (const std::string& line : split(trim(messages), '\n')) {
    CAPTURE(line);
    CHECK(line.find(".toml:") != std::string::npos);
    CHECK(line.find(" -- ") != std::string::npos);
  }
  compare_with_golden(messages, kHere / "messages.golden");
}

TEST_CASE("every mistake on the command line names the option", "[sweep]") {
  compare_with_golden(messages_of_command_lines(), kHere / "command_line.golden");
}
