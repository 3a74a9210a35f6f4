// The program as its users run it: started with words, ended by itself or by a signal, judged by
// its exit code, what it prints and what it leaves on disk.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace attnbench {

struct Ended {
  int exit_code = -1;  // 128 + N for death by signal N
  std::string out, err;
};

// A started `attnbench` of this build. Its home is `home`, so that no test sees the caches, sweeps
// or providers of the machine's user.
class Program {
 public:
  Program(const std::filesystem::path& home, const std::vector<std::string>& words,
          const std::vector<std::string>& variables = {});
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program();

  pid_t pid() const { return pid_; }
  void signal(int number) const;
  Ended wait();

 private:
  std::filesystem::path out_, err_;
  pid_t pid_ = -1;
};

std::filesystem::path host_path();
// Providers of this build: a copy of cpu_reference can be dropped elsewhere.
std::filesystem::path cpu_reference_path();

Ended run_program(const std::filesystem::path& home, const std::vector<std::string>& words,
                  const std::vector<std::string>& variables = {});

// `run` of eight small trials of cpu_reference, a few seconds in all.
std::vector<std::string> tiny_run(const std::filesystem::path& out);
size_t lines_in(const std::filesystem::path& file);

}  // namespace attnbench
