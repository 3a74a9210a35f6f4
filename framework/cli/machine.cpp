#include "cli/machine.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace attnbench {
namespace {

namespace fs = std::filesystem;

constexpr double kBusyShare = 0.25;  // load per allowed CPU from which timings suffer visibly

std::string first_line(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return std::string(trim(line));
}

// The value behind "key   : value" of the first line that has the key.
std::string value_of(const fs::path& path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(':');
    if (colon != std::string::npos && trim(std::string_view(line).substr(0, colon)) == key) {
      return std::string(trim(std::string_view(line).substr(colon + 1)));
    }
  }
  return "";
}

uint64_t meminfo_bytes(const fs::path& root, const std::string& key) {
  return std::strtoull(value_of(root / "proc/meminfo", key).c_str(), nullptr, 10) * 1024;
}

CpuFacts read_cpu(const fs::path& root) {
  CpuFacts cpu;
  cpu.name = value_of(root / "proc/cpuinfo", "model name");
  if (cpu.name.empty()) cpu.name = "unknown CPU";
  cpu.logical_cpus = static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  cpu.allowed_cpus =
      sched_getaffinity(0, sizeof(allowed), &allowed) == 0 ? CPU_COUNT(&allowed) : cpu.logical_cpus;
  cpu.memory_bytes = meminfo_bytes(root, "MemTotal");
  cpu.available_bytes = meminfo_bytes(root, "MemAvailable");
  cpu.governor = first_line(root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
  cpu.load = std::atof(first_line(root / "proc/loadavg").c_str());
  return cpu;
}

// One device node per GPU (/dev/nvidia0, ...) is what a container sees, too; the names are in /proc
// where the driver's directory is visible.
std::vector<GpuFacts> read_gpus(const fs::path& root) {
  std::vector<fs::path> described;
  std::error_code missing;
  for (const fs::directory_entry& gpu :
       fs::directory_iterator(root / "proc/driver/nvidia/gpus", missing)) {
    described.push_back(gpu.path());
  }
  std::sort(described.begin(), described.end());  // by PCI address, as CUDA_DEVICE_ORDER=PCI_BUS_ID
  std::vector<GpuFacts> gpus;
  for (const fs::directory_entry& node : fs::directory_iterator(root / "dev", missing)) {
    const std::string name = node.path().filename();
    const std::string number = name.starts_with("nvidia") ? name.substr(6) : "";
    if (number.empty() || number.find_first_not_of("0123456789") != std::string::npos) continue;
    gpus.push_back({fmt::format("cuda:{}", gpus.size()), ""});
  }
  if (described.size() == gpus.size()) {
    for (size_t i = 0; i < gpus.size(); ++i) {
      gpus[i].name = value_of(described[i] / "information", "Model");
    }
  }
  return gpus;
}

}  // namespace

std::vector<std::string> Machine::device_names() const {
  std::vector<std::string> names = {"cpu"};
  for (const GpuFacts& gpu : gpus) names.push_back(gpu.device);
  return names;
}

std::vector<MachineWarning> Machine::troubles() const {
  std::vector<MachineWarning> troubles;
  if (!cpu.governor.empty() && cpu.governor != "performance") {
    troubles.push_back({fmt::format("the CPU's frequency governor is \"{}\": clocks change with "
                                    "load; \"performance\" is steadier",
                                    cpu.governor),
                        "`cpupower frequency-set -g performance` as root"});
  }
  if (cpu.load > kBusyShare * cpu.allowed_cpus) {
    troubles.push_back(
        {fmt::format("the machine is busy (load {:.2f} on {} CPUs): other work disturbs timings",
                     cpu.load, cpu.allowed_cpus),
         "wait, or end what `top` shows"});
  }
  return troubles;
}

std::vector<std::string> Machine::warnings() const {
  std::vector<std::string> texts;
  for (const MachineWarning& trouble : troubles()) texts.push_back(trouble.text);
  return texts;
}

void Machine::name_gpus(const Inspection& inspection) {
  for (const GpuInspection& seen : inspection.gpus) {
    for (GpuFacts& gpu : gpus) {
      if (gpu.device == seen.device) gpu.name = seen.name;
    }
  }
}

Machine read_machine(const fs::path& root) {
  Machine machine;
  machine.cpu = read_cpu(root);
  machine.gpus = read_gpus(root);
  utsname name{};
  if (uname(&name) == 0) machine.kernel = fmt::format("{} {}", name.sysname, name.release);
  return machine;
}

Json to_json(const Machine& machine) {
  const CpuFacts& cpu = machine.cpu;
  Json devices = Json::array();
  devices.push_back(Json{{"device", "cpu"},
                         {"name", cpu.name},
                         {"logical_cpus", cpu.logical_cpus},
                         {"allowed_cpus", cpu.allowed_cpus},
                         {"memory_bytes", cpu.memory_bytes},
                         {"available_bytes", cpu.available_bytes},
                         {"governor", cpu.governor},
                         {"load", cpu.load}});
  for (const GpuFacts& gpu : machine.gpus) {
    devices.push_back(Json{{"device", gpu.device}, {"name", gpu.name}});
  }
  return Json{{"devices", devices}, {"kernel", machine.kernel}, {"warnings", machine.warnings()}};
}

}  // namespace attnbench
