#include "cli/machine.h"

#include <unistd.h>

#include <fstream>
#include <string>

#include "support/catch.h"
#include "support/scratch.h"

namespace attnbench {
namespace {

namespace fs = std::filesystem;

void write(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

}  // namespace

TEST_CASE("the machine is read from its files", "[cli]") {
  const Scratch scratch;
  const fs::path& root = scratch.path();
  write(root / "proc/cpuinfo", "processor\t: 0\nmodel name\t: Fast CPU 9000\n");
  write(root / "proc/meminfo", "MemTotal:        1024 kB\nMemAvailable:    512 kB\n");
  write(root / "proc/loadavg", "99.50 1 1 1/1 1\n");
  write(root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n");
  write(root / "dev/nvidia0", "");
  write(root / "dev/nvidiactl", "");
  write(root / "proc/driver/nvidia/gpus/0000:01:00.0/information", "Model: \t\t NVIDIA H100\n");
  const Machine machine = read_machine(root);
  CHECK(machine.cpu.name == "Fast CPU 9000");
  CHECK(machine.cpu.memory_bytes == 1024 * 1024);
  CHECK(machine.cpu.available_bytes == 512 * 1024);
  CHECK(machine.device_names() == std::vector<std::string>{"cpu", "cuda:0"});
  CHECK(machine.gpus[0].name == "NVIDIA H100");
  REQUIRE(machine.warnings().size() == 2);
  CHECK(machine.warnings()[0].find("\"powersave\"") != std::string::npos);
  CHECK(machine.warnings()[1].find("99.50") != std::string::npos);
}

TEST_CASE("a GPU bears the name that the driver told a worker", "[cli]") {
  Machine machine;
  machine.gpus = {{"cuda:0", ""}, {"cuda:1", "from its file"}};
  Inspection inspection;
  inspection.gpus.resize(1);
  inspection.gpus[0].device = "cuda:0";
  inspection.gpus[0].name = "NVIDIA H100 80GB HBM3";
  machine.name_gpus(inspection);
  CHECK(machine.gpus[0].name == "NVIDIA H100 80GB HBM3");
  CHECK(machine.gpus[1].name == "from its file");
}

TEST_CASE("a machine that tells nothing has a CPU and no warnings", "[cli]") {
  const Scratch scratch;
  const Machine machine = read_machine(scratch.path());
  CHECK(machine.cpu.allowed_cpus > 0);
  CHECK(machine.device_names() == std::vector<std::string>{"cpu"});
  CHECK(machine.warnings().empty());
}

}  // namespace attnbench
