#include "supervise/worker_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <span>
#include <system_error>
#include <utility>

#include "base/error.h"

namespace attnbench {
namespace {

using Clock = std::chrono::steady_clock;

// After the socket's end, how long the process may take to be gone; after SIGKILL, too. A process
// that outlives its SIGKILL hangs in the kernel; nobody can do more, so it is given up.
constexpr std::chrono::seconds kGrace{2};
constexpr std::chrono::seconds kKillGrace{10};
constexpr const char* kMoreDescriptors = "raise the limit of open files: ulimit -n";
constexpr const char* kWritable = "choose a directory that can be written";

[[noreturn]] void fail(const std::string& what, int error_number, const std::string& hint) {
  throw Error(fmt::format("{}: {}", what, std::strerror(error_number)), hint);
}

// How many of `watched` are ready; 0 after `until`, and also when a signal came.
int poll_until(std::span<pollfd> watched, Clock::time_point until) {
  const std::chrono::milliseconds left =
      std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
  const int timeout_ms = static_cast<int>(std::clamp<int64_t>(left.count(), 0, 600'000));
  const int ready = ::poll(watched.data(), watched.size(), timeout_ms);
  if (ready < 0 && errno != EINTR && errno != EAGAIN) fail("poll", errno, "");
  return std::max(ready, 0);
}

bool exits_before(const Descriptor& pidfd, Clock::time_point until) {
  do {
    std::array<pollfd, 1> watched = {{{pidfd.get(), POLLIN, 0}}};
    if (poll_until(watched, until) > 0) return true;
  } while (Clock::now() < until);
  return false;
}

// posix_spawn's two descriptions, freed on every way out.
struct SpawnDescription {
  SpawnDescription() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
  }
  SpawnDescription(const SpawnDescription&) = delete;  // C objects without a copy
  SpawnDescription& operator=(const SpawnDescription&) = delete;
  ~SpawnDescription() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
};

// The worker's descriptors: 0 nothing, 1 and 2 the log, 3 the host. Its own group, signals as new.
void describe_child(SpawnDescription& child, int control, int log, const std::string& directory) {
  posix_spawn_file_actions_addopen(&child.actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&child.actions, log, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&child.actions, log, STDERR_FILENO);
  posix_spawn_file_actions_adddup2(&child.actions, control, kControlDescriptor);
  posix_spawn_file_actions_addclosefrom_np(&child.actions, kControlDescriptor + 1);
  posix_spawn_file_actions_addchdir_np(&child.actions, directory.c_str());
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&child.attributes, &none);
  posix_spawnattr_setsigdefault(&child.attributes, &all);
  posix_spawnattr_setpgroup(&child.attributes, 0);
  posix_spawnattr_setflags(&child.attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// The same descriptor above the child's 0 to 3, so that arranging those cannot overwrite it.
Descriptor moved_up(Descriptor descriptor) {
  Descriptor moved(::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, 10));
  if (!moved.is_open()) fail("cannot duplicate a descriptor", errno, kMoreDescriptors);
  return moved;
}

Descriptor opened_log(const std::filesystem::path& path) {
  std::error_code error;  // a directory that cannot be made shows in open()
  std::filesystem::create_directories(path.parent_path(), error);
  Descriptor log(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644));
  if (!log.is_open()) fail(path.string(), errno, kWritable);
  return moved_up(std::move(log));
}

uint64_t log_size_bytes(const Descriptor& log) {
  struct stat status = {};
  return ::fstat(log.get(), &status) == 0 ? static_cast<uint64_t>(status.st_size) : 0;
}

bool starts_with_any(std::string_view text, std::span<const std::string_view> prefixes) {
  for (std::string_view prefix : prefixes) {
    if (text.starts_with(prefix)) return true;
  }
  return false;
}

}  // namespace

std::vector<std::string> pinned_environment(const char* const* environment) {
  constexpr std::string_view kPassed[] = {
      "PATH=", "HOME=", "USER=",   "LD_LIBRARY_PATH=", "CUDA_",          "NVIDIA_",
      "XDG_",  "TZ=",   "TMPDIR=", "ASAN_OPTIONS=",    "UBSAN_OPTIONS=", "LSAN_OPTIONS="};
  std::vector<std::string> pinned = {"LC_ALL=C"};
  for (; environment != nullptr && *environment != nullptr; ++environment) {
    if (starts_with_any(*environment, kPassed)) pinned.emplace_back(*environment);
  }
  return pinned;
}

WorkerProcess::WorkerProcess(const WorkerSettings& settings, const std::string& log_name)
    : log_path_(settings.log_dir / (log_name + ".log")), log_(opened_log(log_path_)) {
  log_start_bytes_ = log_size_bytes(log_);
  std::string directory = std::filesystem::absolute(settings.log_dir / "worker-XXXXXX").string();
  if (::mkdtemp(directory.data()) == nullptr) fail(directory, errno, kWritable);
  directory_ = directory;
  try {
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
      fail("cannot open a socket for a worker", errno, kMoreDescriptors);
    }
    control_ = Descriptor(pair[0]);
    const Descriptor workers_end = moved_up(Descriptor(pair[1]));
    spawn(settings, workers_end.get());
  } catch (...) {
    end();
    throw;
  }
}

void WorkerProcess::spawn(const WorkerSettings& settings, int control) {
  SpawnDescription child;
  describe_child(child, control, log_.get(), directory_.string());
  const std::string executable = std::filesystem::absolute(settings.executable).string();
  std::vector<std::string> arguments = {executable};
  arguments.insert(arguments.end(), settings.arguments.begin(), settings.arguments.end());
  const std::vector<char*> argv = pointers_to(arguments);
  const std::vector<char*> envp = pointers_to(settings.environment);
  const int result = ::posix_spawn(&pid_, executable.c_str(), &child.actions, &child.attributes,
                                   argv.data(), envp.data());
  if (result != 0) {
    pid_ = -1;
    fail(fmt::format("cannot start the worker {}", executable), result,
         "attnbench-worker belongs beside attnbench: build or install both");
  }
  // By number: glibc 2.36 declares pidfd_open without extern "C".
  pidfd_ = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  if (!pidfd_.is_open()) fail("pidfd_open", errno, "attnbench needs Linux 5.3 or newer");
}

WorkerProcess::~WorkerProcess() {
  end();
}

void WorkerProcess::end() {
  if (pid_ > 0) {
    ::kill(-pid_, SIGKILL);
    if (!pidfd_.is_open() || exits_before(pidfd_, Clock::now() + kKillGrace)) {
      while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
      }
    }
    pid_ = -1;
  }
  pidfd_.close();
  control_.close();
  log_.close();
  std::error_code error;  // what cannot be removed is a leftover in the log directory, no fault
  if (!directory_.empty()) std::filesystem::remove_all(directory_, error);
  directory_.clear();
}

void WorkerProcess::log(std::string_view line) {
  const std::string text = fmt::format("{}\n", line);
  const ssize_t written = ::write(log_.get(), text.data(), text.size());
  if (written > 0) logged_bytes_ += static_cast<uint64_t>(written);
}

uint64_t WorkerProcess::printed_bytes() const {
  const uint64_t others = log_start_bytes_ + logged_bytes_;
  return std::max(log_size_bytes(log_), others) - others;
}

int WorkerProcess::children() const {
  int children = 0;
  std::error_code error;  // no worker, or a kernel that does not tell: none
  const std::filesystem::directory_iterator tasks(fmt::format("/proc/{}/task", pid_), error);
  if (error) return 0;
  for (const std::filesystem::directory_entry& task : tasks) {
    std::ifstream list(task.path() / "children");
    for (pid_t child = 0; list >> child;) ++children;
  }
  return children;
}

std::optional<Death> WorkerProcess::send(const Frame& frame, Phase phase, TimePoint deadline) {
  const std::string bytes = encode(frame);
  size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t count = ::send(control_.get(), bytes.data() + sent, bytes.size() - sent,
                                 MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count >= 0) {
      sent += static_cast<size_t>(count);
    } else if (errno == EAGAIN) {
      std::array<pollfd, 2> watched = {{{control_.get(), POLLOUT, 0}, {pidfd_.get(), POLLIN, 0}}};
      poll_until(watched, deadline);
      if (watched[1].revents != 0) return death_by_exit(phase);
      if (Clock::now() >= deadline) return fail_deadline(phase);
    } else if (errno != EINTR) {
      return death_by_exit(phase);
    }
  }
  return std::nullopt;
}

std::variant<Frame, WorkerProcess::Quiet, Death> WorkerProcess::receive(Phase phase,
                                                                        TimePoint until) {
  for (;;) {
    try {
      if (std::optional<Frame> frame = decoder_.next()) return std::move(*frame);
    } catch (const ProtocolError& error) {
      return fail_protocol(error.what(), phase);
    }
    if (has_ended_output_) return death_by_exit(phase);
    const Ready ready = wait_readable(until);
    if (ready == Ready::nothing) return Quiet{};
    // Once the worker has exited, only what it had sent counts: a grandchild may go on writing.
    const bool may_send_more = read_available();
    has_ended_output_ = ready == Ready::exited || !may_send_more;
  }
}

WorkerProcess::Ready WorkerProcess::wait_readable(TimePoint until) const {
  std::array<pollfd, 2> watched = {{{control_.get(), POLLIN, 0}, {pidfd_.get(), POLLIN, 0}}};
  if (poll_until(watched, until) == 0) return Ready::nothing;
  return watched[1].revents != 0 ? Ready::exited : Ready::readable;
}

bool WorkerProcess::read_available() {
  std::vector<std::byte> chunk(1 << 16);
  for (int chunks = 0; chunks < 64; ++chunks) {
    const ssize_t count = ::recv(control_.get(), chunk.data(), chunk.size(), MSG_DONTWAIT);
    if (count > 0) {
      decoder_.feed(chunk.data(), static_cast<size_t>(count));
    } else if (count == 0) {
      return false;
    } else if (errno != EINTR) {
      return errno == EAGAIN;
    }
  }
  return true;  // the rest at the next turn, so that a flood cannot outlast a deadline
}

Death WorkerProcess::died(Outcome outcome, std::string detail, Phase phase, std::string message) {
  end();
  return {outcome, std::move(detail), phase,
          fmt::format("{}; its output: {}", message, log_path_.string())};
}

Death WorkerProcess::death_by_exit(Phase phase) {
  const std::string_view during = enum_to_text(kPhases, phase);
  if (!exits_before(pidfd_, Clock::now() + kGrace)) {
    return died(Outcome::protocol_error, "closed-channel", phase,
                fmt::format("the worker closed descriptor {} in {}", kControlDescriptor, during));
  }
  siginfo_t info = {};
  ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT);
  if (info.si_code == CLD_EXITED) {
    return died(Outcome::crashed, fmt::format("exit-{}", info.si_status), phase,
                fmt::format("the worker left with exit({}) in {}", info.si_status, during));
  }
  const char* name = ::sigabbrev_np(info.si_status);
  const char* guess = info.si_status == SIGKILL ? ", perhaps for want of memory (see dmesg)" : "";
  return died(Outcome::crashed, fmt::format("signal-{}", info.si_status), phase,
              fmt::format("the worker died of signal {} (SIG{}) in {}{}", info.si_status,
                          name != nullptr ? name : "?", during, guess));
}

Death WorkerProcess::fail_deadline(Phase phase) {
  if (decoder_.has_partial_frame()) return fail_protocol("half a frame, then nothing", phase);
  const std::string_view during = enum_to_text(kPhases, phase);
  return died(Outcome::timed_out, fmt::format("deadline-{}", during), phase,
              fmt::format("the worker gave no sign within the deadline of {}", during));
}

Death WorkerProcess::fail_protocol(const std::string& why, Phase phase) {
  return died(Outcome::protocol_error, "bad-frame", phase,
              fmt::format("descriptor {} carried what is no message of ours in {}: {}",
                          kControlDescriptor, enum_to_text(kPhases, phase), why));
}

}  // namespace attnbench
