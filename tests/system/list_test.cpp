// `list` from end to end: dropping a file into a directory is enough, and no file is too broken.
#include <fstream>
#include <nlohmann/json.hpp>

#include "support/catch.h"
#include "support/scratch.h"
#include "system/run_program.h"

namespace attnbench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

json row_at(const json& rows, const std::string& file) {
  for (const json& row : rows) {
    if (fs::path(row["path"].get<std::string>()).filename() == file) return row;
  }
  return json::object();
}

json providers_in(const fs::path& home, const std::vector<std::string>& more_words,
                  const std::vector<std::string>& variables) {
  std::vector<std::string> words = {"list", "providers", "--json"};
  words.insert(words.end(), more_words.begin(), more_words.end());
  const Ended ended = run_program(home, words, variables);
  INFO(ended.err);
  REQUIRE(ended.exit_code == 0);
  return json::parse(ended.out);
}

}  // namespace

TEST_CASE("a provider dropped into a directory is listed, by flag, variable and XDG", "[system]") {
  const Scratch scratch;
  const fs::path xdg = scratch / ".local/share/attnbench/providers";
  for (const fs::path& directory : {scratch / "flag", scratch / "variable", xdg}) {
    fs::create_directories(directory);
    fs::copy(cpu_reference_path(), directory / "dropped.provider.so");
  }
  const json rows = providers_in(scratch.path(), {"--provider-dir", (scratch / "flag").string()},
                                 {"ATTNBENCH_PROVIDER_PATH=" + (scratch / "variable").string()});
  REQUIRE(rows.size() >= 4);
  CHECK(rows[0]["path"] == fs::canonical(scratch / "flag/dropped.provider.so").string());
  CHECK(rows[0]["id"] == "cpu_reference");
  CHECK(rows[0]["state"] == "ok");
  for (const size_t later : {1, 2}) {
    CHECK(rows[later]["state"] == "shadowed");
    CHECK(rows[later]["reason"].get<std::string>().find("flag") != std::string::npos);
  }
  CHECK(rows[2]["path"] == fs::canonical(xdg / "dropped.provider.so").string());
}

TEST_CASE("broken files are rows with a reason, and the healthy are still listed", "[system]") {
  const Scratch scratch;
  const fs::path directory = scratch / "broken";
  fs::create_directories(directory);
  std::ofstream(directory / "text.provider.so")
      << "no library, just words, and quite a few of them";
  fs::copy(cpu_reference_path(), directory / "torn.provider.so");
  fs::resize_file(directory / "torn.provider.so", 1000);
  fs::copy("/bin/true", directory / "stranger.provider.so");
  const json rows = providers_in(scratch.path(), {"--provider-dir", directory.string()}, {});
  CHECK(row_at(rows, "text.provider.so")["state"] == "not_elf");
  CHECK(row_at(rows, "torn.provider.so")["state"] == "truncated");
  CHECK(row_at(rows, "stranger.provider.so")["state"] != "ok");
  for (const char* file : {"text.provider.so", "torn.provider.so", "stranger.provider.so"}) {
    INFO(file);
    CHECK_FALSE(row_at(rows, file)["reason"].get<std::string>().empty());
  }
  CHECK(row_at(rows, "cpu_reference.provider.so")["state"] == "ok");
}

TEST_CASE("a directory that anybody may write to is refused with the reason", "[system]") {
  const Scratch scratch;
  const fs::path open = scratch / "open";
  fs::create_directories(open);
  fs::copy(cpu_reference_path(), open / "dropped.provider.so");
  fs::permissions(open, fs::perms::all);
  const json rows = providers_in(scratch.path(), {"--provider-dir", open.string()}, {});
  CHECK(row_at(rows, "dropped.provider.so").empty());
  CHECK(row_at(rows, "open")["reason"].get<std::string>().find("writ") != std::string::npos);
}

TEST_CASE("list sweeps and devices speak to people and to programs", "[system]") {
  const Scratch scratch;
  CHECK(run_program(scratch.path(), {"list", "sweeps"}).out.find("\nquick ") != std::string::npos);
  const json sweeps = json::parse(run_program(scratch.path(), {"list", "sweeps", "--json"}).out);
  CHECK(sweeps.size() >= 7);
  for (const json& sweep : sweeps) CHECK(sweep["error"] == "");
  CHECK(run_program(scratch.path(), {"list", "devices"}).out.starts_with("cpu  "));
  const json devices = json::parse(run_program(scratch.path(), {"list", "devices", "--json"}).out);
  CHECK(devices["devices"][0]["allowed_cpus"].get<int>() >= 1);
  CHECK(run_program(scratch.path(), {"list", "providers"}).out.find("\x1b") == std::string::npos);
}

}  // namespace attnbench
