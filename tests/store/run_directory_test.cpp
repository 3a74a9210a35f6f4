#include "store/run_directory.h"

#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

#include <functional>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "sample_record.h"
#include "support/catch.h"
#include "support/file_size_limit.h"
#include "support/scratch.h"

using namespace attnbench;
namespace fs = std::filesystem;

namespace {

std::string error_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    return error.line();
  }
  return "";
}

void add(RunDirectory& run, int64_t seqlen) {
  run.append(sample_record(seqlen), Sentinels{});
}

// A small file system of its own; only root may make one.
class SmallDisk {
 public:
  SmallDisk(const fs::path& path, unsigned long flags) : path_(path) {
    is_mounted_ = mount("tmpfs", path.c_str(), "tmpfs", flags, "size=64k") == 0;
    if (!is_mounted_) WARN("not allowed to mount here: this disk is not tested");
  }
  // Must not be copied: it is unmounted once.
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  ~SmallDisk() {
    if (is_mounted_) umount2(path_.c_str(), MNT_DETACH);
  }
  bool is_mounted() const { return is_mounted_; }

 private:
  fs::path path_;
  bool is_mounted_ = false;
};

std::string results_of(const fs::path& path) {
  return read_file(path / kResultsFile);
}

}  // namespace

TEST_CASE("a new run is a directory with its plan, its records and its logs", "[run_directory]") {
  const Scratch scratch;
  const fs::path path = scratch / "deep/er";
  RunDirectory run = RunDirectory::create(path);
  run.write_run({{"argv", {"attnbench", "run", "quick"}}});
  add(run, 1);
  add(run, 2);
  CHECK(fs::is_directory(run.logs()));
  CHECK(read_run(path)["argv"][2] == "quick");
  // Readable while the run goes on.
  CHECK(read_records(path / kResultsFile).records().size() == 2);
  CHECK(run.earlier().records().empty());
}

TEST_CASE("a directory with anything in it is refused and left as it was", "[run_directory]") {
  const Scratch scratch;
  replace_file(scratch / "thesis.txt", "precious");
  CHECK_THAT(error_of([&] { RunDirectory::create(scratch.path()); }),
             Catch::Contains("is not empty") && Catch::Contains("--out"));
  CHECK(std::distance(fs::directory_iterator(scratch.path()), fs::directory_iterator()) == 1);
}

TEST_CASE("an earlier run is not overwritten; the hint is --resume", "[run_directory]") {
  const Scratch scratch;
  RunDirectory::create(scratch.path()).write_run(Json::object());
  CHECK_THAT(error_of([&] { RunDirectory::create(scratch.path()); }),
             Catch::Contains("is not empty") && Catch::Contains("--resume"));
}

TEST_CASE("two runs in one directory are refused, whichever way", "[run_directory]") {
  const Scratch scratch;
  {
    RunDirectory first = RunDirectory::create(scratch.path());
    first.write_run(Json::object());
    add(first, 1);
    CHECK_THAT(error_of([&] { RunDirectory::create(scratch.path()); }), Catch::Contains("in use"));
    CHECK_THAT(error_of([&] { RunDirectory::resume(scratch.path()); }), Catch::Contains("in use"));
    add(first, 2);
  }
  CHECK(RunDirectory::resume(scratch.path()).earlier().records().size() == 2);
}

TEST_CASE("a lock dies with its process, even if killed", "[run_directory]") {
  const Scratch scratch;
  int ready[2];
  REQUIRE(pipe(ready) == 0);
  const pid_t child = fork();
  if (child == 0) {
    RunDirectory run = RunDirectory::create(scratch.path());
    run.write_run(Json::object());
    if (write(ready[1], "x", 1) != 1) _exit(1);
    pause();
    _exit(0);
  }
  char byte;
  REQUIRE(read(ready[0], &byte, 1) == 1);
  CHECK_THAT(error_of([&] { RunDirectory::resume(scratch.path()); }), Catch::Contains("in use"));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  CHECK(error_of([&] { RunDirectory::resume(scratch.path()); }).empty());
  close(ready[0]);
  close(ready[1]);
}

TEST_CASE("resuming cuts off a torn line, tells it, and goes on behind it", "[run_directory]") {
  const Scratch scratch;
  {
    RunDirectory run = RunDirectory::create(scratch.path());
    run.write_run(Json::object());
    add(run, 1);
    AppendFile(scratch / kResultsFile).append("{\"trial_id\":\"half of a rec");
  }
  const std::string torn = results_of(scratch.path());
  {
    RunDirectory run = RunDirectory::resume(scratch.path());
    CHECK(run.earlier().records().size() == 1);
    REQUIRE(run.earlier().warnings().size() == 1);
    CHECK_THAT(run.earlier().warnings()[0], Catch::Contains("torn last line"));
    CHECK(results_of(scratch.path()) == torn.substr(0, torn.find('\n') + 1));
    add(run, 2);
  }
  const RecordSet records = read_records(scratch / kResultsFile);
  CHECK(records.records().size() == 2);
  CHECK(records.warnings().empty());
}

TEST_CASE("a run that ended before its first record can be resumed", "[run_directory]") {
  const Scratch scratch;
  replace_file(scratch / kRunFile, "{}");
  RunDirectory run = RunDirectory::resume(scratch.path());
  CHECK(run.earlier().records().empty());
  add(run, 1);
  CHECK(read_records(scratch / kResultsFile).records().size() == 1);
}

TEST_CASE("what is no run directory is not resumed", "[run_directory]") {
  const Scratch scratch;
  for (const fs::path& path : {scratch.path(), scratch / "missing"}) {
    CHECK_THAT(error_of([&] { RunDirectory::resume(path); }),
               Catch::Contains("is no run directory: it has no run.json"));
    CHECK_THROWS_AS(read_run(path), Error);
  }
  CHECK(fs::is_empty(scratch.path()));
}

TEST_CASE("a record that does not fit on the disk is an error and costs no other",
          "[run_directory]") {
  const Scratch scratch;
  RunDirectory run = RunDirectory::create(scratch.path());
  run.write_run(Json::object());
  add(run, 1);
  const std::string before = results_of(scratch.path());
  {
    const FileSizeLimit limit(before.size() + 100);
    CHECK_THAT(error_of([&] { add(run, 2); }),
               Catch::Contains("cannot append to") && Catch::Contains("File too large"));
    CHECK_FALSE(error_of([&] { run.write_run({{"big", std::string(5000, 'x')}}); }).empty());
  }
  CHECK(results_of(scratch.path()) == before);
  CHECK(read_run(scratch.path()).empty());
  add(run, 2);
  CHECK(read_records(scratch / kResultsFile).records().size() == 2);
}

TEST_CASE("a disk that fills up keeps every whole record", "[run_directory]") {
  const Scratch scratch;
  const SmallDisk disk(scratch.path(), 0);
  if (!disk.is_mounted()) return;
  std::string message;
  int64_t written = 0;
  {
    RunDirectory run = RunDirectory::create(scratch / "run");
    run.write_run(Json::object());
    while (message.empty() && written < 1000) {
      message = error_of([&] { add(run, written + 1); });
      if (message.empty()) ++written;
    }
  }
  CHECK_THAT(message, Catch::Contains("No space left") && Catch::Contains("free some space"));
  const RecordSet set = read_records(scratch / "run/results.jsonl");
  CHECK(set.records().size() == static_cast<size_t>(written));
  CHECK(set.warnings().empty());
}

TEST_CASE("a read-only disk is an error that says so", "[run_directory]") {
  const Scratch scratch;
  const SmallDisk disk(scratch.path(), MS_RDONLY);
  if (!disk.is_mounted()) return;
  CHECK_THAT(error_of([&] { RunDirectory::create(scratch / "run"); }),
             Catch::Contains("Read-only file system") && Catch::Contains("--out"));
  CHECK_THAT(error_of([&] { RunDirectory::create(scratch.path()); }),
             Catch::Contains("Read-only file system") && Catch::Contains("--out"));
}

TEST_CASE("a directory that cannot be made or written is an error that names it",
          "[run_directory]") {
  const Scratch scratch;
  replace_file(scratch / "file", "");
  CHECK_THAT(error_of([&] { RunDirectory::create(scratch / "file/run"); }),
             Catch::Contains((scratch / "file/run").string()) && Catch::Contains("--out"));
  CHECK_THAT(error_of([] { RunDirectory::create("/proc/attnbench"); }),
             Catch::Contains("/proc/attnbench") && Catch::Contains("--out"));
}
