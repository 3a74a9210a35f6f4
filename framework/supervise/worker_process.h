// One attnbench-worker: spawned, spoken to, and above all ended. Whatever a provider does to its
// process (dies, exits, hangs, closes or scribbles on the control descriptor, leaves children
// behind) comes back as a Death, a value; the host goes on.
//
// Lesson: a socket's end of file is no proof of death, since a grandchild may hold the other end
// open, and death is no proof that all was read. So both the pidfd and the socket are watched; the
// process leads its own group, and the group is killed before the leader is reaped, while its pid
// still cannot belong to anybody else.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/descriptor.h"
#include "model/outcome.h"
#include "protocol/frame.h"
#include "supervise/deadlines.h"

namespace attnbench {

// How every worker of a run is started.
struct WorkerSettings {
  std::filesystem::path executable;
  std::vector<std::string> arguments;    // after the program's name; the shipped worker takes none
  std::filesystem::path log_dir;         // made if missing
  std::vector<std::string> environment;  // "NAME=value", all that a worker sees; see below
  Deadlines deadlines;
};

// The part of an environment that may reach a provider: where to find libraries, devices and
// caches. The rest could change what is measured without leaving a trace in the record. LC_ALL is
// set to C.
std::vector<std::string> pinned_environment(const char* const* environment);

// How a worker ended although nobody had asked it to.
struct Death {
  Outcome outcome = Outcome::crashed;  // crashed, timed_out, protocol_error
  std::string detail;                  // "signal-11", "exit-0", "deadline-execute", "bad-frame"
  Phase phase = Phase::idle;           // what it was doing
  std::string message;                 // one line for people, with the log's path
};

class WorkerProcess {
 public:
  // Spawns the worker; its stdout and stderr are appended to <log_dir>/<log_name>.log. It dies with
  // the calling thread, so that must be one that outlives it. Throws Error if it cannot be started.
  WorkerProcess(const WorkerSettings& settings, const std::string& log_name);
  // Must not move: the process is found by members of this object.
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;
  ~WorkerProcess();  // ends it

  using TimePoint = std::chrono::steady_clock::time_point;
  struct Quiet {};  // no whole frame came in time, or a signal wants to be looked at
  // Both return a Death if the worker is or gets lost; it is ended then, and so is its group.
  // `phase` is what a death is blamed on.
  std::optional<Death> send(const Frame& frame, Phase phase, TimePoint deadline);
  std::variant<Frame, Quiet, Death> receive(Phase phase, TimePoint until);

  // Kills the group, reaps the leader, removes its directory. Safe to call twice.
  void end();
  // Verdicts of the caller: the worker is ended, its Death is the return value.
  Death fail_protocol(const std::string& why, Phase phase);  // well formed, but out of turn
  Death fail_deadline(Phase phase);                          // quiet for too long
  void log(std::string_view line);                           // adds a line to the worker's log
  // What came on stdout and stderr since the spawn: a worker prints nothing, so its provider did.
  uint64_t printed_bytes() const;
  // Processes that the worker has started and that still live; the worker itself starts none.
  int children() const;

  bool is_alive() const { return pid_ > 0; }
  pid_t pid() const { return pid_; }
  const std::filesystem::path& log_path() const { return log_path_; }

 private:
  enum class Ready { readable, exited, nothing };
  Ready wait_readable(TimePoint until) const;
  bool read_available();  // false: nothing more will come
  Death death_by_exit(Phase phase);
  Death died(Outcome outcome, std::string detail, Phase phase, std::string message);
  void spawn(const WorkerSettings& settings, int control);

  std::filesystem::path log_path_, directory_;
  pid_t pid_ = -1;
  Descriptor pidfd_, control_, log_;
  uint64_t log_start_bytes_ = 0, logged_bytes_ = 0;
  bool has_ended_output_ = false;
  FrameDecoder decoder_;
};

}  // namespace attnbench
