// The first law: the host loads no provider, no CUDA and no Boost.DLL. Shown twice: the executable
// has no way to load anything (it does not even import dlopen), and a run's memory maps hold no
// provider.
#include <chrono>
#include <cstdio>
#include <fstream>
#include <thread>

#include "base/text.h"
#include "support/catch.h"
#include "support/scratch.h"
#include "system/run_program.h"

namespace attnbench {
namespace {

std::string output_of(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string text;
  char buffer[4096];
  for (size_t read = 0; (read = fread(buffer, 1, sizeof(buffer), pipe)) > 0;) {
    text.append(buffer, read);
  }
  REQUIRE(pclose(pipe) == 0);
  return text;
}

std::string worker_path() {
  return host_path().string() + "-worker";
}

std::string maps_of(pid_t pid) {
  std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
  return {std::istreambuf_iterator<char>(maps), {}};
}

}  // namespace

TEST_CASE("the host cannot load a library, its worker can", "[system]") {
  const std::string host = output_of("nm --dynamic --undefined-only " + host_path().string());
  const std::string worker = output_of("nm --dynamic --undefined-only " + worker_path());
  CHECK(host.find("dlopen") == std::string::npos);
  CHECK(worker.find("dlopen") != std::string::npos);  // so the test above can fail
}

TEST_CASE("the host needs neither CUDA nor Boost.DLL's libraries", "[system]") {
  for (const std::string& line :
       split(output_of("readelf --dynamic " + host_path().string()), '\n')) {
    if (line.find("(NEEDED)") == std::string::npos) continue;
    INFO(line);
    for (const char* forbidden : {"cuda", "nvrtc", "cudnn", "cublas", "boost_filesystem"}) {
      CHECK(line.find(forbidden) == std::string::npos);
    }
  }
  CHECK(output_of("nm --demangle " + host_path().string()).find("boost::dll") == std::string::npos);
}

TEST_CASE("while a run lasts, providers are in the workers' memory, not in the host's",
          "[system]") {
  const Scratch scratch;
  Program program(scratch.path(), {"run", "quick", "--out", (scratch / "run").string(), "-a",
                                   "seqlen=8", "--providers", "cpu_reference", "--effort", "grid"});
  bool has_worker_provider = false;
  for (int tries = 0; tries < 6000; ++tries) {
    const std::string task = "/proc/" + std::to_string(program.pid());
    std::ifstream children(task + "/task/" + std::to_string(program.pid()) + "/children");
    for (pid_t child = 0; children >> child;) {
      has_worker_provider |= maps_of(child).find(".provider.so") != std::string::npos;
    }
    const std::string maps = maps_of(program.pid());
    CHECK(maps.find(".provider.so") == std::string::npos);
    CHECK(maps.find("libcuda") == std::string::npos);
    if (maps.empty()) break;  // it has ended and waits to be reaped
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  CHECK(program.wait().exit_code == 0);
  CHECK(has_worker_provider);
}

}  // namespace attnbench
