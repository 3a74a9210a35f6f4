#include "base/file.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/error.h"
#include "support/catch.h"
#include "support/file_size_limit.h"
#include "support/scratch.h"

using namespace attnbench;
namespace fs = std::filesystem;

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
