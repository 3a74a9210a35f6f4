#include "provider/discovery.h"

#include <sys/stat.h>

#include <fstream>

#include "base/hash.h"
#include "support/catch.h"
#include "support/scratch.h"

using namespace attnbench;
namespace fs = std::filesystem;

namespace {

void write(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

std::vector<std::string> names(const Discovery& discovery) {
  std::vector<std::string> found;
  for (const FileIdentity& file : discovery.files) {
    found.push_back(fs::path(file.path).filename().string());
  }
  return found;
}

}  // namespace

TEST_CASE("only files called *.provider.so are found, sorted, one level deep", "[discovery]") {
  Scratch directory;
  write(directory.path() / "b.provider.so", "b");
  write(directory.path() / "a.provider.so", "a");
  write(directory.path() / "libcudnn.so", "x");
  write(directory.path() / "sub/c.provider.so", "c");
  write(directory.path() / "sub/deeper/d.provider.so", "d");
  fs::create_directory(directory.path() / "e.provider.so");
  const Discovery found = find_provider_files({directory.path(), directory.path() / "missing"});
  CHECK(names(found) ==
        std::vector<std::string>{"a.provider.so", "b.provider.so", "c.provider.so"});
  CHECK(found.refused.empty());
  CHECK(found.files[0].sha256 == sha256_of_text("a"));
  CHECK(found.files[0].size_bytes == 1);
}

TEST_CASE("a file reached twice is found once", "[discovery]") {
  Scratch directory;
  write(directory.path() / "one/a.provider.so", "a");
  fs::create_directory(directory.path() / "two");
  fs::create_hard_link(directory.path() / "one/a.provider.so",
                       directory.path() / "two/b.provider.so");
  fs::create_symlink(directory.path() / "one/a.provider.so",
                     directory.path() / "two/c.provider.so");
  const Discovery found = find_provider_files(
      {directory.path() / "one", directory.path() / "two", directory.path() / "one"});
  CHECK(names(found) == std::vector<std::string>{"a.provider.so"});
}

TEST_CASE("a directory that anybody may write to is refused with the cure", "[discovery]") {
  Scratch directory;
  write(directory.path() / "open/a.provider.so", "a");
  write(directory.path() / "shut/b.provider.so", "b");
  chmod((directory.path() / "open").c_str(), 0777);
  const Discovery found = find_provider_files({directory.path() / "open", directory.path()});
  CHECK(names(found) == std::vector<std::string>{"b.provider.so"});
  REQUIRE(found.refused.size() == 1);
  CHECK(found.refused[0].reason.find("chmod o-w") != std::string::npos);
}

TEST_CASE("a dangling link is refused with the reason, not silently", "[discovery]") {
  Scratch directory;
  fs::create_symlink("nowhere", directory.path() / "a.provider.so");
  const Discovery found = find_provider_files({directory.path()});
  CHECK(found.files.empty());
  REQUIRE(found.refused.size() == 1);
  CHECK(found.refused[0].reason == "No such file or directory");
}

TEST_CASE("the search path keeps its order and never means the current directory", "[discovery]") {
  SearchPlaces places;
  places.from_flags = {"/flag"};
  places.provider_path = "/one::relative:.:/two:/flag";
  places.data_home = "/home/x/.local/share";
  places.executable_dir = "/opt/attnbench/bin";
  places.install_dir = "/usr/local/lib/attnbench/providers";
  CHECK(search_path(places) == std::vector<fs::path>{"/flag", "/one", "/two",
                                                     "/home/x/.local/share/attnbench/providers",
                                                     "/opt/attnbench/lib/attnbench/providers",
                                                     "/usr/local/lib/attnbench/providers"});
  CHECK(search_path(SearchPlaces{}).empty());
}
