#include "sweep/find.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "support/catch.h"

using namespace attnbench;
namespace fs = std::filesystem;

namespace {

constexpr const char* kSmall =
    "[problem]\nheads = 1\nhead_dim = 8\nseqlen = 4\n[[provider]]\nid = \"cpu_reference\"\n";

// Two directories of sweeps, gone at the end.
struct SweepFolders {
  SweepFolders() {
    std::string pattern = (fs::temp_directory_path() / "sweeps-XXXXXX").string();
    root = mkdtemp(pattern.data());
    write("a/long.toml", std::string("description = \"first\"\n") + kSmall);
    write("a/broken.toml", "heads = \n");
    write("b/long.toml", std::string("description = \"second\"\n") + kSmall);
    write("b/short.toml", std::string("description = \"short one\"\n") + kSmall);
    write("b/notes.txt", "no sweep");
    fs::create_directory(root / "b/folder.toml");
  }
  SweepFolders(const SweepFolders&) = delete;
  ~SweepFolders() { fs::remove_all(root); }
  void write(const std::string& name, const std::string& text) const {
    fs::create_directories((root / name).parent_path());
    std::ofstream(root / name) << text;
  }
  std::vector<fs::path> directories() const { return {root / "a", root / "b", root / "missing"}; }
  fs::path root;
};

std::string error_of(const std::string& name, const std::vector<fs::path>& directories) {
  try {
    load_sweep(name, directories);
  } catch (const Error& error) {
    return error.line();
  }
  return "no error";
}

}  // namespace

TEST_CASE("sweeps are listed by name, the first directory wins, a broken one says why", "[sweep]") {
  const SweepFolders folders;
  const std::vector<SweepListing> listings = list_sweeps(folders.directories());
  REQUIRE(listings.size() == 4);
  CHECK(listings[0].name == "broken");
  CHECK(listings[0].error.find("broken.toml:1:") != std::string::npos);
  CHECK(listings[1].name == "folder");
  CHECK(listings[1].error.find("directory") != std::string::npos);
  CHECK(listings[2].description == "first");
  CHECK(listings[2].error.empty());
  CHECK(listings[3].description == "short one");
}

TEST_CASE("a sweep is found by name or by path", "[sweep]") {
  const SweepFolders folders;
  CHECK(load_sweep("long", folders.directories()).description == "first");
  CHECK(load_sweep((folders.root / "b/long.toml").string(), {}).description == "second");
}

TEST_CASE("a name that is no sweep is answered with those there are", "[sweep]") {
  const SweepFolders folders;
  CHECK(error_of("shrot", folders.directories()) ==
        "no sweep is called \"shrot\" -- did you mean \"short\"? there are: broken, folder, long, "
        "short; or give a path");
  CHECK(error_of("x", {}) == "no sweep is called \"x\" -- none was found; or give a path");
}

TEST_CASE("a directory, a missing and an unreadable file are told as such", "[sweep]") {
  const SweepFolders folders;
  const fs::path folder = folders.root / "b/folder.toml";
  CHECK(error_of(folder.string(), {}).find("directory") != std::string::npos);
  const fs::path missing = folders.root / "none.toml";
  CHECK(error_of(missing.string(), {}).find(missing.string()) != std::string::npos);
  const fs::path locked = folders.root / "b/short.toml";
  fs::permissions(locked, fs::perms::none);
  // Root may read everything.
  if (geteuid() != 0) {
    CHECK(error_of(locked.string(), {}).find("ermission") != std::string::npos);
  }
}

TEST_CASE("all shipped sweeps parse and say what they are for", "[sweep]") {
  const std::vector<SweepListing> listings =
      list_sweeps({fs::path(ATTNBENCH_SOURCE_DIR) / "sweeps"});
  std::vector<std::string> names;
  for (const SweepListing& listing : listings) {
    CAPTURE(listing.name);
    CHECK(listing.error.empty());
    CHECK_FALSE(listing.description.empty());
    names.push_back(listing.name);
  }
  CHECK(names == std::vector<std::string>{"causal", "check", "cpu_headline", "gqa", "mha_full",
                                          "mha_headline", "quick"});
}
