#include "kernel_kit/cache.h"

#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "support/catch.h"
#include "support/file_size_limit.h"
#include "support/scratch.h"

namespace kernel_kit {
namespace {

namespace fs = std::filesystem;

std::string content_of(const fs::path& path) {
  std::ostringstream out;
  out << std::ifstream(path, std::ios::binary).rdbuf();
  return out.str();
}

int num_files(const fs::path& directory) {
  int count = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory)) {
    count += entry.is_regular_file();
  }
  return count;
}

const std::string kBytes = std::string("log\n\0cubin\0\xff", 12) + std::string(100000, 'k');

TEST_CASE("what is written is read back, bytes of 0 too, and no file is left over", "[cache]") {
  Scratch scratch;
  const Cache cache(scratch / "deep/er");
  CHECK_FALSE(cache.read("key").has_value());
  CHECK(cache.write("key", kBytes).empty());
  CHECK(cache.read("key") == kBytes);
  CHECK_FALSE(cache.read("other").has_value());
  CHECK(num_files(scratch / "deep/er") == 1);
}

TEST_CASE("an entry that is cut off or changed anywhere is no entry", "[cache]") {
  Scratch scratch;
  const Cache cache(scratch.path());
  REQUIRE(cache.write("key", kBytes).empty());
  const std::string whole = content_of(scratch / "key");
  for (const size_t length : {size_t{0}, size_t{10}, size_t{84}, whole.size() - 1}) {
    std::ofstream(scratch / "key", std::ios::binary) << whole.substr(0, length);
    CHECK_FALSE(cache.read("key").has_value());
  }
  for (const size_t position : {size_t{0}, size_t{30}, size_t{90}, whole.size() - 1}) {
    std::string changed = whole;
    changed[position] = static_cast<char>(changed[position] ^ 1);
    std::ofstream(scratch / "key", std::ios::binary) << changed;
    CHECK_FALSE(cache.read("key").has_value());
  }
  // And it can be made good again.
  CHECK(cache.write("key", kBytes).empty());
  CHECK(cache.read("key") == kBytes);
}

TEST_CASE("a cache without a directory keeps nothing and complains of nothing", "[cache]") {
  CHECK(Cache().write("key", kBytes).empty());
  CHECK_FALSE(Cache().read("key").has_value());
}

TEST_CASE("a directory that cannot be made is a sentence, not a failure", "[cache]") {
  Scratch scratch;
  std::ofstream(scratch / "file") << "in the way";
  const Cache cache(scratch / "file/cache");
  CHECK(cache.write("key", kBytes).find("file/cache") != std::string::npos);
  CHECK_FALSE(cache.read("key").has_value());
}

TEST_CASE("a directory that may only be read still serves what it holds", "[cache]") {
  if (geteuid() == 0) {
    WARN("SKIPPED: root may write anywhere");
    return;
  }
  Scratch scratch;
  const Cache cache(scratch.path());
  REQUIRE(cache.write("key", kBytes).empty());
  fs::permissions(scratch.path(), fs::perms::owner_read | fs::perms::owner_exec);
  CHECK(cache.write("other", kBytes).find("making") != std::string::npos);
  CHECK(cache.read("key") == kBytes);
  fs::permissions(scratch.path(), fs::perms::owner_all);
}

TEST_CASE("a full disk leaves the old entry and no half of a new one", "[cache]") {
  Scratch scratch;
  const Cache cache(scratch.path());
  REQUIRE(cache.write("key", "old").empty());
  {
    const FileSizeLimit limit(4096);
    CHECK(cache.write("key", kBytes).find("writing") != std::string::npos);
    CHECK(cache.write("new", kBytes).find("writing") != std::string::npos);
  }
  CHECK(cache.read("key") == "old");
  CHECK_FALSE(cache.read("new").has_value());
  CHECK(num_files(scratch.path()) == 1);
}

TEST_CASE("processes that write the same entry at once leave one whole entry", "[cache]") {
  Scratch scratch;
  constexpr int kWriters = 4, kTimes = 50;
  std::vector<pid_t> writers;
  for (int i = 0; i < kWriters; ++i) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      const Cache cache(scratch.path());
      bool is_good = true;
      for (int time = 0; time < kTimes; ++time) {
        is_good &= cache.write("key", std::string(20000, static_cast<char>('a' + i))).empty();
        const std::optional<std::string> seen = cache.read("key");
        is_good &= seen && seen->size() == 20000;
      }
      _exit(is_good ? 0 : 1);
    }
    writers.push_back(child);
  }
  for (const pid_t writer : writers) {
    int status = -1;
    waitpid(writer, &status, 0);
    CHECK(status == 0);
  }
  CHECK(num_files(scratch.path()) == 1);
}

}  // namespace
}  // namespace kernel_kit
