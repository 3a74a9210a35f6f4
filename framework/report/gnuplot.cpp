#include "report/gnuplot.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "report/terminal_text.h"

namespace attnbench {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLogName = "gnuplot.log";
constexpr std::chrono::milliseconds kLook{5};

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// 0, or an error number.
int spawn(const Gnuplot& gnuplot, const fs::path& directory, const std::string& script,
          pid_t* pid) {
  const std::vector<std::string> arguments = {"gnuplot", "--default-settings", script};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addchdir_np(&actions, directory.c_str());
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, kLogName, O_WRONLY | O_CREAT | O_TRUNC,
                                   0644);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  const int error_number =
      ::posix_spawn(pid, gnuplot.executable.c_str(), &actions, nullptr,
                    pointers_to(arguments).data(), pointers_to(gnuplot.environment).data());
  posix_spawn_file_actions_destroy(&actions);
  return error_number;
}

// The wait status; nothing: it did not end in time and was killed.
std::optional<int> wait_for(pid_t pid, double limit_s) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point until = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                                     std::chrono::duration<double>(limit_s));
  int status = 0;
  while (::waitpid(pid, &status, WNOHANG) == 0) {
    if (Clock::now() > until) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, &status, 0);
      return std::nullopt;
    }
    std::this_thread::sleep_for(kLook);
  }
  return status;
}

// gnuplot repeats the line it stumbled over and a caret before it says why.
std::string last_words(const fs::path& log) {
  std::string last;
  try {
    for (const std::string& line : split(read_file(log), '\n')) {
      if (!trim(line).empty()) last = trim(line);
    }
  } catch (const Error& error) {
    return error.what();
  }
  return cut_to_width(printable(last), 200);
}

}  // namespace

std::optional<std::string> run_gnuplot(const Gnuplot& gnuplot, const fs::path& directory,
                                       const std::string& script) {
  pid_t pid = -1;
  const int error_number = spawn(gnuplot, directory, script, &pid);
  if (error_number != 0) {
    return fmt::format("{}: {}", gnuplot.executable.string(), std::strerror(error_number));
  }
  const std::optional<int> status = wait_for(pid, gnuplot.limit_s);
  const fs::path log = directory / kLogName;
  if (!status) return fmt::format("gnuplot was not done after {:g} s", gnuplot.limit_s);
  if (WIFSIGNALED(*status)) return fmt::format("gnuplot died of signal {}", WTERMSIG(*status));
  if (WEXITSTATUS(*status) != 0) {
    return fmt::format("gnuplot failed: {} (all of it in {})", last_words(log), log.string());
  }
  std::error_code ignored;  // a log without news may stay
  fs::remove(log, ignored);
  return std::nullopt;
}

}  // namespace attnbench
