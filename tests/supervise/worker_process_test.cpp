// Workers played by /bin/sh, so that each way to end is one line.
#include "supervise/worker_process.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "support/catch.h"
#include "support/scratch.h"

using namespace attnbench;
using namespace std::chrono_literals;

namespace {

class Stage {
 public:
  std::unique_ptr<WorkerProcess> play(const std::string& script) {
    WorkerSettings settings;
    settings.executable = "/bin/sh";
    settings.arguments = {"-c", script};
    settings.environment = {"PATH=/usr/bin:/bin", "GREETING=hello"};
    settings.log_dir = directory.path() / "logs";
    return std::make_unique<WorkerProcess>(settings, "actor");
  }
  std::string log() const { return read_file(directory.path() / "logs/actor.log"); }
  Scratch directory;
};

Death death_of(WorkerProcess& worker, Phase phase, std::chrono::milliseconds patience = 5s) {
  const WorkerProcess::TimePoint until = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < until) {
    std::variant<Frame, WorkerProcess::Quiet, Death> received = worker.receive(phase, until);
    if (Death* death = std::get_if<Death>(&received)) return *death;
  }
  return worker.fail_deadline(phase);
}

bool exists(pid_t pid) {
  return kill(pid, 0) == 0;
}

// Children of init are reaped at init's leisure; a zombie is gone enough.
bool is_gone_within(pid_t pid, std::chrono::milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < until) {
    if (!exists(pid)) return true;
    const std::string stat = read_file("/proc/" + std::to_string(pid) + "/stat");
    if (stat.substr(stat.rfind(')') + 2, 1) == "Z") return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

bool has_no_children() {
  return waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD;
}

}  // namespace

TEST_CASE("a worker that dies of a signal is crashed and names it", "[supervise]") {
  Stage stage;
  const std::unique_ptr<WorkerProcess> worker = stage.play("kill -SEGV $$");
  const Death death = death_of(*worker, Phase::execute);
  CHECK(death.outcome == Outcome::crashed);
  CHECK(death.detail == "signal-11");
  CHECK(death.phase == Phase::execute);
  CHECK(death.message.find("signal 11 (SIGSEGV) in execute") != std::string::npos);
  CHECK(death.message.find("actor.log") != std::string::npos);
  CHECK_FALSE(worker->is_alive());
  CHECK(has_no_children());
}

TEST_CASE("a worker that leaves with exit 0 is crashed all the same", "[supervise]") {
  Stage stage;
  const Death death = death_of(*stage.play("exit 0"), Phase::plan_create);
  CHECK(death.outcome == Outcome::crashed);
  CHECK(death.detail == "exit-0");
}

TEST_CASE("garbage on the control descriptor is a protocol error", "[supervise]") {
  Stage stage;
  const Death death = death_of(*stage.play("echo this is no frame >&3; sleep 60"), Phase::execute);
  CHECK(death.outcome == Outcome::protocol_error);
  CHECK(death.detail == "bad-frame");
}

TEST_CASE("half a frame and then silence is a protocol error at the deadline", "[supervise]") {
  Stage stage;
  const std::unique_ptr<WorkerProcess> worker = stage.play("printf '\\100\\0\\0' >&3; sleep 60");
  const Death death = death_of(*worker, Phase::execute, 300ms);
  CHECK(death.outcome == Outcome::protocol_error);
}

TEST_CASE("a closed control descriptor is a protocol error", "[supervise]") {
  Stage stage;
  const Death death = death_of(*stage.play("exec 3>&-; sleep 60"), Phase::execute);
  CHECK(death.outcome == Outcome::protocol_error);
  CHECK(death.detail == "closed-channel");
}

TEST_CASE("a worker that hangs and ignores SIGTERM is killed with its children", "[supervise]") {
  Stage stage;
  const std::unique_ptr<WorkerProcess> worker =
      stage.play("trap '' TERM; sleep 60 & echo $!; wait; sleep 60");
  const Death death = death_of(*worker, Phase::execute, 300ms);
  CHECK(death.outcome == Outcome::timed_out);
  CHECK(death.detail == "deadline-execute");
  const pid_t grandchild = std::stoi(stage.log());
  CHECK(is_gone_within(grandchild, 2s));
  CHECK(has_no_children());
}

TEST_CASE("a grandchild that keeps the socket open does not delay a death", "[supervise]") {
  Stage stage;
  const std::unique_ptr<WorkerProcess> worker = stage.play("sleep 60 & echo $!; exit 7");
  const auto start = std::chrono::steady_clock::now();
  const Death death = death_of(*worker, Phase::execute);
  CHECK(death.detail == "exit-7");
  CHECK(std::chrono::steady_clock::now() - start < 1s);
  CHECK(is_gone_within(std::stoi(stage.log()), 2s));
}

TEST_CASE("a frame that was sent before the exit is still received", "[supervise]") {
  Stage stage;
  const std::unique_ptr<WorkerProcess> worker =
      stage.play("printf '\\2\\0\\0\\0\\0\\0\\0\\0{}' >&3; exit 0");
  std::this_thread::sleep_for(200ms);
  const auto until = std::chrono::steady_clock::now() + 5s;
  std::variant<Frame, WorkerProcess::Quiet, Death> first = worker->receive(Phase::idle, until);
  REQUIRE(std::holds_alternative<Frame>(first));
  CHECK(std::get<Frame>(first).json == "{}");
  CHECK(death_of(*worker, Phase::idle).detail == "exit-0");
}

TEST_CASE("sending to a worker that is gone is its death, not ours", "[supervise]") {
  Stage stage;
  const std::unique_ptr<WorkerProcess> worker = stage.play("exit 3");
  std::this_thread::sleep_for(200ms);
  const auto until = std::chrono::steady_clock::now() + 5s;
  const std::optional<Death> death = worker->send(Frame{"{}", {}}, Phase::idle, until);
  REQUIRE(death);
  CHECK(death->detail == "exit-3");
}

TEST_CASE("a worker that never reads cannot block the host", "[supervise]") {
  Stage stage;
  const std::unique_ptr<WorkerProcess> worker = stage.play("sleep 60");
  const Frame large{"{}", std::vector<std::byte>(8 << 20)};
  const auto until = std::chrono::steady_clock::now() + 300ms;
  const std::optional<Death> death = worker->send(large, Phase::execute, until);
  REQUIRE(death);
  CHECK(death->outcome == Outcome::timed_out);
}

TEST_CASE("a worker sees its log, its directory, its environment and descriptor 3", "[supervise]") {
  Stage stage;
  const int leaked = fcntl(STDIN_FILENO, F_DUPFD, 20);  // without O_CLOEXEC
  const std::unique_ptr<WorkerProcess> worker = stage.play(
      "echo $GREETING $HOME; ls -A | wc -l; echo err >&2; test -e /proc/$$/fd/3 && echo host; "
      "test -e /proc/$$/fd/" +
      std::to_string(leaked) + " && echo leaked; exit 0");
  death_of(*worker, Phase::start);
  close(leaked);
  CHECK(stage.log() == "hello\n0\nerr\nhost\n");
  CHECK(std::distance(std::filesystem::directory_iterator(stage.directory.path() / "logs"), {}) ==
        1);
}

TEST_CASE("what a worker prints is counted apart from what the host logs", "[supervise]") {
  Stage stage;
  const std::unique_ptr<WorkerProcess> worker = stage.play("printf 12345; sleep 60");
  worker->log("a line of the host");
  for (int i = 0; i < 200 && worker->printed_bytes() == 0; ++i) std::this_thread::sleep_for(10ms);
  CHECK(worker->printed_bytes() == 5);
}

TEST_CASE("ending a worker leaves no process", "[supervise]") {
  Stage stage;
  { stage.play("sleep 60"); }
  CHECK(has_no_children());
}

TEST_CASE("a worker that cannot be started is an error that names it", "[supervise]") {
  Scratch directory;
  WorkerSettings settings;
  settings.executable = directory.path() / "no-such-worker";
  settings.log_dir = directory.path();
  try {
    WorkerProcess worker(settings, "x");
    FAIL("started");
  } catch (const Error& error) {
    CHECK(std::string(error.what()).find("no-such-worker") != std::string::npos);
    CHECK_FALSE(error.hint().empty());
  }
}

TEST_CASE("the pinned environment keeps paths and devices and drops the rest", "[supervise]") {
  const char* environment[] = {"PATH=/bin",
                               "LANG=de_DE",
                               "CUDA_VISIBLE_DEVICES=1",
                               "OMP_NUM_THREADS=1",
                               "LC_ALL=tr_TR",
                               "LD_LIBRARY_PATH=/x",
                               nullptr};
  CHECK(pinned_environment(environment) == std::vector<std::string>{"LC_ALL=C", "PATH=/bin",
                                                                    "CUDA_VISIBLE_DEVICES=1",
                                                                    "LD_LIBRARY_PATH=/x"});
}
