// What a person at a terminal sees, and what NO_COLOR takes away.
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "support/catch.h"
#include "support/scratch.h"
#include "system/run_program.h"

namespace attnbench {
namespace {

// All that the program writes to a terminal of 72 columns.
std::string on_terminal(const std::vector<std::string>& words,
                        const std::vector<std::string>& variables) {
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  REQUIRE(terminal >= 0);
  REQUIRE(grantpt(terminal) == 0);
  REQUIRE(unlockpt(terminal) == 0);
  const std::string name = ptsname(terminal);
  // Held open here too: with its last holder a terminal loses what was not read yet.
  const int held = open(name.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);
  winsize size{};
  size.ws_row = 40;
  size.ws_col = 72;
  REQUIRE(ioctl(terminal, TIOCSWINSZ, &size) == 0);

  std::vector<char*> argv = {const_cast<char*>("attnbench")};
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  std::vector<char*> environment;
  for (const std::string& text : variables) {
    environment.push_back(const_cast<char*>(text.c_str()));
  }
  environment.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 1, name.c_str(), O_WRONLY | O_NOCTTY, 0);
  posix_spawn_file_actions_addopen(&files, 2, name.c_str(), O_WRONLY | O_NOCTTY, 0);
  pid_t pid = 0;
  REQUIRE(posix_spawn(&pid, host_path().c_str(), &files, nullptr, argv.data(),
                      environment.data()) == 0);
  posix_spawn_file_actions_destroy(&files);

  std::string text;
  fcntl(terminal, F_SETFL, O_NONBLOCK);
  for (bool has_ended = false; true;) {
    char buffer[4096];
    const ssize_t got = read(terminal, buffer, sizeof(buffer));
    if (got > 0) {
      text.append(buffer, static_cast<size_t>(got));
    } else if (has_ended) {
      break;
    } else {
      has_ended = waitpid(pid, nullptr, WNOHANG) == pid;
      usleep(2000);
    }
  }
  close(held);
  close(terminal);
  return text;
}

std::vector<std::string> words_for(const Scratch& scratch) {
  return {"run",         "quick",         "--out",    (scratch / "run").string(),
          "-a",          "seqlen=8",      "--filter", "mode=fwd",
          "--providers", "cpu_reference", "--effort", "grid"};
}

}  // namespace

TEST_CASE("a terminal gets a bar in place, colours, and no more columns than it has", "[system]") {
  const Scratch scratch;
  const std::string text =
      on_terminal(words_for(scratch), {"HOME=" + scratch.path().string(), "TERM=xterm"});
  INFO(text);
  CHECK(text.find("\r\x1b[K[") != std::string::npos);
  CHECK(text.find("4/4") != std::string::npos);
  CHECK(text.find("[4/4] cpu_reference") == std::string::npos);
  CHECK(text.find("\x1b[32mok\x1b[0m") != std::string::npos);
  CHECK(text.find("too narrow for: ") != std::string::npos);
}

TEST_CASE("NO_COLOR leaves the bar and takes the colours", "[system]") {
  const Scratch scratch;
  const std::string text = on_terminal(
      words_for(scratch), {"HOME=" + scratch.path().string(), "TERM=xterm", "NO_COLOR=1"});
  INFO(text);
  CHECK(text.find("\r\x1b[K[") != std::string::npos);
  CHECK(text.find("\x1b[32m") == std::string::npos);
  CHECK(text.find("\x1b[1m") == std::string::npos);
}

TEST_CASE("a dumb terminal gets one line per trial", "[system]") {
  const Scratch scratch;
  const std::string text =
      on_terminal(words_for(scratch), {"HOME=" + scratch.path().string(), "TERM=dumb"});
  INFO(text);
  CHECK(text.find("[4/4] cpu_reference") != std::string::npos);
  CHECK(text.find('\x1b') == std::string::npos);
}

}  // namespace attnbench
