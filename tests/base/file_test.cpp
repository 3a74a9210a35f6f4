#include "base/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "base/error.h"
#include "support/catch.h"
#include "support/file_size_limit.h"
#include "support/scratch.h"

using namespace attnbench;
namespace fs = std::filesystem;

namespace {

// The linker (--wrap) leads this program's calls of write and fsync through here.
struct Calls {
  int writes = 0;
  int fsyncs = 0;
  bool fsync_fails = false;  // as on a disk that breaks
};
Calls calls;

}  // namespace

extern "C" {
ssize_t __real_write(int descriptor, const void* bytes, size_t count);
int __real_fsync(int descriptor);

ssize_t __wrap_write(int descriptor, const void* bytes, size_t count) {
  ++calls.writes;
  return __real_write(descriptor, bytes, count);
}

int __wrap_fsync(int descriptor) {
  ++calls.fsyncs;
  if (!calls.fsync_fails) return __real_fsync(descriptor);
  errno = EIO;
  return -1;
}
}

TEST_CASE("a missing file and a directory are errors that name the path", "[file]") {
  const Scratch scratch;
  CHECK_THROWS_WITH(read_file(scratch / "none"), Catch::Contains((scratch / "none").string()) &&
                                                     Catch::Contains("No such file"));
  CHECK_THROWS_WITH(read_file(scratch.path()), Catch::Contains("Is a directory"));
}

TEST_CASE("a replaced file has the new text and leaves nothing beside it", "[file]") {
  const Scratch scratch;
  const std::string binary("a\0b\n", 4);
  replace_file(scratch / "file", "a much longer first text");
  replace_file(scratch / "file", binary);
  CHECK(read_file(scratch / "file") == binary);
  CHECK(std::distance(fs::directory_iterator(scratch.path()), fs::directory_iterator()) == 1);
}

TEST_CASE("a replacement that fails keeps the old text", "[file]") {
  const Scratch scratch;
  replace_file(scratch / "file", "old");
  {
    const FileSizeLimit limit(10);
    CHECK_THROWS_AS(replace_file(scratch / "file", std::string(100, 'n')), Error);
  }
  CHECK(read_file(scratch / "file") == "old");
  CHECK(std::distance(fs::directory_iterator(scratch.path()), fs::directory_iterator()) == 1);
}

TEST_CASE("appending adds to what is there, also when opened again", "[file]") {
  const Scratch scratch;
  AppendFile(scratch / "file").append("one\n");
  AppendFile file(scratch / "file");
  file.append("two\n");
  AppendFile moved = std::move(file);
  moved.append("three\n");
  CHECK(read_file(scratch / "file") == "one\ntwo\nthree\n");
}

TEST_CASE("appending is one write and one fsync", "[file]") {
  const Scratch scratch;
  AppendFile file(scratch / "file");
  calls = {};
  file.append(std::string(200000, 'x'));
  CHECK(calls.writes == 1);
  CHECK(calls.fsyncs == 1);
}

TEST_CASE("text that did not reach the disk is cut off again", "[file]") {
  const Scratch scratch;
  AppendFile file(scratch / "file");
  file.append("safe\n");
  calls = {.fsync_fails = true};
  CHECK_THROWS_WITH(file.append("lost\n"), Catch::Contains("Input/output error"));
  calls = {};
  CHECK(read_file(scratch / "file") == "safe\n");
}

TEST_CASE("replacing syncs the text and then the directory", "[file]") {
  const Scratch scratch;
  calls = {};
  replace_file(scratch / "file", "new");
  CHECK(calls.fsyncs == 2);
  calls = {.fsync_fails = true};
  CHECK_THROWS_AS(replace_file(scratch / "file", "newer"), Error);
  calls = {};
  CHECK(read_file(scratch / "file") == "new");
}

TEST_CASE("a write that stops half way leaves no torn text", "[file]") {
  const Scratch scratch;
  AppendFile file(scratch / "file");
  file.append("whole\n");
  {
    const FileSizeLimit limit(10);
    CHECK_THROWS_WITH(file.append("cut off after four bytes\n"), Catch::Contains("File too large"));
  }
  CHECK(read_file(scratch / "file") == "whole\n");
  file.append("next\n");
  CHECK(read_file(scratch / "file") == "whole\nnext\n");
}

TEST_CASE("a full disk is an error that says so", "[file]") {
  AppendFile full("/dev/full");
  try {
    full.append("anything");
    FAIL("/dev/full took text");
  } catch (const Error& error) {
    CHECK_THAT(error.line(),
               Catch::Contains("No space left") && Catch::Contains("free some space"));
  }
}

TEST_CASE("a descriptor is closed once, by its last owner", "[file]") {
  const int raw = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  {
    Descriptor first(raw);
    Descriptor second = std::move(first);
    CHECK_FALSE(first.is_open());
    CHECK(second.get() == raw);
    CHECK(::fcntl(raw, F_GETFD) >= 0);
  }
  CHECK(::fcntl(raw, F_GETFD) == -1);
}
