#include "system/run_program.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace attnbench {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> result;
  for (std::string& word : words) result.push_back(word.data());
  result.push_back(nullptr);
  return result;
}

fs::path scratch_file(const fs::path& directory) {
  std::string pattern = (directory / "out-XXXXXX").string();
  const int descriptor = mkstemp(pattern.data());
  if (descriptor < 0) throw std::runtime_error("no scratch file in " + directory.string());
  close(descriptor);
  return pattern;
}

}  // namespace

fs::path host_path() {
  return fs::path(ATTNBENCH_BUILD_DIR) / "bin/attnbench";
}
fs::path cpu_reference_path() {
  return fs::path(ATTNBENCH_BUILD_DIR) / "lib/attnbench/providers/cpu_reference.provider.so";
}

Program::Program(const fs::path& home, const std::vector<std::string>& words,
                 const std::vector<std::string>& variables)
    : out_(scratch_file(home)), err_(scratch_file(home)) {
  std::vector<std::string> arguments = {host_path().string()};
  arguments.insert(arguments.end(), words.begin(), words.end());
  // The test's own first: of two values the first counts.
  std::vector<std::string> environment = variables;
  environment.insert(environment.end(),
                     {"HOME=" + home.string(), "PATH=/usr/bin:/bin", "TMPDIR=" + home.string()});

  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, 1, out_.c_str(), O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&files, 2, err_.c_str(), O_WRONLY, 0);
  const int failure = posix_spawn(&pid_, host_path().c_str(), &files, nullptr,
                                  pointers(arguments).data(), pointers(environment).data());
  posix_spawn_file_actions_destroy(&files);
  if (failure != 0) throw std::runtime_error("cannot start " + host_path().string());
}

Program::~Program() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

void Program::signal(int number) const {
  kill(pid_, number);
}

Ended Program::wait() {
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), text_of(out_),
          text_of(err_)};
}

Ended run_program(const fs::path& home, const std::vector<std::string>& words,
                  const std::vector<std::string>& variables) {
  return Program(home, words, variables).wait();
}

std::vector<std::string> tiny_run(const fs::path& out) {
  return {"run",      "quick",    "--out",       out.string(),   "-a",       "seqlen=8,16",
          "-a",       "heads=4",  "-a",          "head_dim=16",  "--effort", "grid",
          "--filter", "mode=fwd", "--providers", "cpu_reference"};
}

size_t lines_in(const fs::path& file) {
  std::ifstream stream(file);
  size_t lines = 0;
  for (std::string line; std::getline(stream, line);) ++lines;
  return lines;
}

}  // namespace attnbench
