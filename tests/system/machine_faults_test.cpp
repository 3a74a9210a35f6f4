// Faults of the machine, not of a provider: a full disk, a directory that cannot be written, too
// few descriptors, a killed worker, a killed host, a wall clock that jumps. A run ends with a line
// that says what to do, or goes on; what it has recorded stays whole in any case.
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>
#include <csignal>

#include <chrono>
#include <fstream>
#include <functional>
#include <thread>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "store/record_set.h"
#include "store/run_directory.h"
#include "support/catch.h"
#include "support/file_size_limit.h"
#include "support/scratch.h"
#include "system/run_program.h"

namespace attnbench {
namespace {

namespace fs = std::filesystem;

constexpr size_t kTrials = 8;  // of tiny_run

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

bool becomes_true(const std::function<bool()>& condition) {
  for (int tries = 0; tries < 3000; ++tries) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

std::vector<pid_t> children_of(pid_t pid) {
  const std::string task = "/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid);
  std::ifstream list(task + "/children");
  std::vector<pid_t> children;
  for (pid_t child = 0; list >> child;) children.push_back(child);
  return children;
}

// A zombie that nobody has asked about yet is gone, too.
bool is_gone(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/stat");
  const std::string text{std::istreambuf_iterator<char>(status), {}};
  return text.empty() || has(text, ") Z ");
}

// What was recorded is whole, and a resumed run does the rest.
void check_that_resume_completes(const Scratch& home, const fs::path& run_directory) {
  CHECK(read_records(run_directory / kResultsFile).warnings().empty());
  const Ended resumed = run_program(home.path(), {"run", "--resume", run_directory.string()});
  INFO(resumed.err);
  CHECK(resumed.exit_code == 0);
  CHECK(read_records(run_directory / kResultsFile).records().size() == kTrials);
  CHECK(lines_in(run_directory / kResultsFile) == kTrials);
}

// A file system of its own, where this process may mount one.
class SmallDisk {
 public:
  SmallDisk(const fs::path& path, unsigned long flags) : path_(path) {
    fs::create_directories(path);
    is_mounted_ = mount("tmpfs", path.c_str(), "tmpfs", flags, "size=1m") == 0;
  }
  // Must not be copied: it unmounts what it mounted once.
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

void fill(const fs::path& directory) {
  std::ofstream ballast(directory / "ballast", std::ios::binary);
  const std::string page(4096, 'x');
  while (ballast.write(page.data(), static_cast<std::streamsize>(page.size())).flush()) {
  }
}

class DescriptorLimit {
 public:
  explicit DescriptorLimit(rlim_t descriptors) {
    getrlimit(RLIMIT_NOFILE, &former_);
    const rlimit limit = {descriptors, former_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  // Must not be copied: it puts back what it found once.
  DescriptorLimit(const DescriptorLimit&) = delete;
  DescriptorLimit& operator=(const DescriptorLimit&) = delete;
  ~DescriptorLimit() { setrlimit(RLIMIT_NOFILE, &former_); }

 private:
  rlimit former_;
};

}  // namespace

TEST_CASE("a file that may not grow ends the run, its records whole", "[faults]") {
  const Scratch scratch;
  const fs::path whole = scratch / "whole", cut = scratch / "cut";
  REQUIRE(run_program(scratch.path(), tiny_run(whole)).exit_code == 0);
  const uintmax_t run_bytes = fs::file_size(whole / kRunFile);
  const uintmax_t results_bytes = fs::file_size(whole / kResultsFile);
  const uintmax_t limit = std::max(run_bytes + 512, results_bytes / 2);
  REQUIRE(limit < results_bytes);
  Ended ended;
  {
    const FileSizeLimit full(limit);
    ended = run_program(scratch.path(), tiny_run(cut));
  }
  INFO(ended.err);
  CHECK(ended.exit_code == 1);
  CHECK(has(ended.err, (cut / kResultsFile).string()));
  CHECK(lines_in(cut / kResultsFile) < kTrials);
  check_that_resume_completes(scratch, cut);
}

TEST_CASE("a disk that fills up during a run ends it, its records whole", "[faults]") {
  const Scratch scratch;
  const SmallDisk disk(scratch / "disk", 0);
  if (!disk.is_mounted()) {
    WARN("not tried: this process may not mount a file system");
    return;
  }
  const fs::path out = scratch / "disk/run";
  Program program(scratch.path(), tiny_run(out));
  REQUIRE(becomes_true([&] { return lines_in(out / kResultsFile) >= 1; }));
  fill(scratch / "disk");
  const Ended ended = program.wait();
  INFO(ended.err);
  CHECK(ended.exit_code == 1);
  CHECK(has(ended.err, "No space left on device"));
  CHECK(lines_in(out / kResultsFile) < kTrials);
  fs::remove(scratch / "disk/ballast");
  check_that_resume_completes(scratch, out);
}

TEST_CASE("a directory that cannot be written is refused before anything is run", "[faults]") {
  const Scratch scratch;
  const SmallDisk disk(scratch / "disk", MS_RDONLY);
  if (!disk.is_mounted()) {
    fs::permissions(scratch / "disk", fs::perms::owner_read | fs::perms::owner_exec);
    if (access((scratch / "disk").c_str(), W_OK) == 0) {
      WARN("not tried: nothing is read-only to this process");
      return;
    }
  }
  const Ended ended = run_program(scratch.path(), tiny_run(scratch / "disk/run"));
  INFO(ended.err);
  CHECK(ended.exit_code == 2);
  CHECK(ended.out.empty());
  CHECK(has(ended.err, (scratch / "disk/run").string()));
  CHECK(has(ended.err, "--out"));
}

TEST_CASE("with too few descriptors a run ends with the way out", "[faults]") {
  const Scratch scratch;
  int refusals = 0;
  for (const rlim_t descriptors : {6, 10, 12, 14, 16}) {
    const fs::path out = scratch / ("run-" + std::to_string(descriptors));
    Ended ended;
    {
      const DescriptorLimit few(descriptors);
      ended = run_program(scratch.path(), tiny_run(out));
    }
    INFO(descriptors << " descriptors: exit code " << ended.exit_code << "\n" << ended.err);
    if (ended.exit_code == 0) continue;
    ++refusals;
    CHECK((ended.exit_code == 1 || ended.exit_code == 2));
    CHECK(has(ended.err, "attnbench: "));
    CHECK((has(ended.err, "ulimit -n") || has(ended.err, "Too many open files")));
  }
  CHECK(refusals >= 2);
}

TEST_CASE("a worker that is killed from outside costs no record", "[faults]") {
  const Scratch scratch;
  const fs::path out = scratch / "run";
  Program program(scratch.path(), tiny_run(out));
  REQUIRE(becomes_true([&] { return lines_in(out / kResultsFile) >= 1; }));
  const std::vector<pid_t> workers = children_of(program.pid());
  REQUIRE(workers.size() == 1);
  kill(workers.front(), SIGKILL);
  const Ended ended = program.wait();
  INFO(ended.err);
  CHECK(ended.exit_code == 0);
  CHECK(has(ended.out, "8 trials: 8 ok"));
  CHECK(has(ended.err, "died of signal 9"));
  int retried = 0;
  const RecordSet set = read_records(out / kResultsFile);
  for (const Record& record : set.records()) {
    if (record.attempts == 1) continue;
    ++retried;
    REQUIRE(record.warnings.size() == 1);
    CHECK(has(record.warnings.front(), "signal 9"));
  }
  // None, if it died between two cases: then nobody's trial was at stake.
  CHECK(retried <= 1);
}

TEST_CASE("a killed host takes its workers with it, and its run can be resumed", "[faults]") {
  const Scratch scratch;
  const fs::path out = scratch / "run";
  Program program(scratch.path(), tiny_run(out));
  REQUIRE(becomes_true([&] { return lines_in(out / kResultsFile) >= 1; }));
  const std::vector<pid_t> workers = children_of(program.pid());
  REQUIRE(workers.size() == 1);
  program.signal(SIGKILL);
  CHECK(program.wait().exit_code == 128 + SIGKILL);
  CHECK(becomes_true([&] { return is_gone(workers.front()); }));
  CHECK(lines_in(out / kResultsFile) < kTrials);
  check_that_resume_completes(scratch, out);
}

TEST_CASE("a wall clock that jumps by years moves no deadline and no time", "[faults]") {
  const Scratch scratch;
  const fs::path out = scratch / "run";
  const Ended ended =
      run_program(scratch.path(), tiny_run(out),
                  {"LD_PRELOAD=" JUMPING_CLOCK, "ASAN_OPTIONS=verify_asan_link_order=0"});
  INFO(ended.err);
  CHECK(ended.exit_code == 0);
  const RecordSet set = read_records(out / kResultsFile);
  REQUIRE(set.records().size() == kTrials);
  for (const Record& record : set.records()) {
    CHECK(record.is_ok());
    CHECK(record.attempts == 1);
    CHECK(record.wall_seconds > 0.0);
    CHECK(record.wall_seconds < 600.0);
    // So the clock did jump: 400 days never end in the same year.
    CHECK(record.started_utc.substr(0, 4) != utc_iso().substr(0, 4));
  }
}

TEST_CASE("two runs into one directory: the second is refused", "[faults]") {
  const Scratch scratch;
  const fs::path out = scratch / "run";
  Program first(scratch.path(), tiny_run(out));
  REQUIRE(becomes_true([&] { return fs::exists(out / kRunFile); }));
  const Ended second = run_program(scratch.path(), tiny_run(out));
  INFO(second.err);
  CHECK(second.exit_code == 2);
  CHECK(second.out.empty());
  CHECK(has(second.err, "is in use by another attnbench process"));
  CHECK(first.wait().exit_code == 0);
  CHECK(lines_in(out / kResultsFile) == kTrials);
}

}  // namespace attnbench
