// This machine, from /proc and /sys alone: the host never talks to a driver.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/json.h"
#include "model/inspection.h"

namespace attnbench {

struct CpuFacts {
  std::string name;
  int logical_cpus = 0;  // of the machine
  int allowed_cpus = 0;  // of this process's cpuset: what providers get
  uint64_t memory_bytes = 0, available_bytes = 0;
  std::string governor;  // "" where the kernel does not tell (virtual machines)
  double load = 0.0;     // of the last minute
};
struct GpuFacts {
  std::string device;  // "cuda:0"
  std::string name;    // "" where the driver does not tell
};
// Makes timings here less sure.
struct MachineWarning {
  std::string text, advice;  // what it is, what to do about it: one sentence each
};
struct Machine {
  CpuFacts cpu;
  std::vector<GpuFacts> gpus;
  std::string kernel;  // "Linux 6.1.0-18-amd64"

  std::vector<std::string> device_names() const;  // {"cpu", "cuda:0", ...}
  std::vector<MachineWarning> troubles() const;
  std::vector<std::string> warnings() const;  // their texts
  // The names that the driver told a worker: this file's are missing in most containers.
  void name_gpus(const Inspection& inspection);
};

// `root` is "/", or a stand-in for it.
Machine read_machine(const std::filesystem::path& root);

Json to_json(const Machine& machine);

}  // namespace attnbench
