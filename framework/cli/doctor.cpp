#include "cli/doctor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace attnbench {
namespace {

constexpr int kNewestCudaNeeded = 13, kOldestComputeCapability = 8;
constexpr int kBusyPercent = 5;
constexpr uint64_t kLittleMemoryBytes = uint64_t{1} << 30;
// What an idle driver itself may hold; more belongs to somebody.
constexpr uint64_t kDriversOwnBytes = uint64_t{2} << 30;

class Diagnosis {
 public:
  void ok(const std::string& subject, const std::string& text) {
    findings.push_back({FindingLevel::ok, subject, text, ""});
  }
  void note(const std::string& subject, const std::string& text) {
    findings.push_back({FindingLevel::note, subject, text, ""});
  }
  void warn(const std::string& subject, const std::string& text, const std::string& advice) {
    findings.push_back({FindingLevel::warning, subject, text, advice});
  }
  std::vector<Finding> findings;
};

int major_of(const std::string& version) {
  return std::atoi(version.c_str());
}

void look_at_processor(const Machine& machine, Diagnosis* diagnosis) {
  const CpuFacts& cpu = machine.cpu;
  const std::string subject = "processor";
  diagnosis->ok(subject,
                fmt::format("{}, {} of {} CPUs usable; {}; frequency governor: {}", cpu.name,
                            cpu.allowed_cpus, cpu.logical_cpus, machine.kernel,
                            cpu.governor.empty() ? "not told (virtual machine?)" : cpu.governor));
  if (cpu.allowed_cpus < cpu.logical_cpus) {
    diagnosis->note(subject,
                    "this process may use a part of the CPUs only (cpuset): CPU providers "
                    "are measured on those");
  }
  for (const MachineWarning& warning : machine.troubles()) {
    diagnosis->warn(subject, warning.text, warning.advice);
  }
  const std::string memory =
      fmt::format("memory: {}, of which {} are free", human_bytes(cpu.memory_bytes),
                  human_bytes(cpu.available_bytes));
  if (cpu.memory_bytes > 0 && cpu.available_bytes < kLittleMemoryBytes) {
    diagnosis->warn(subject, memory, "end programs that hold memory: large problems will not fit");
  } else {
    diagnosis->ok(subject, memory);
  }
}

void look_at_driver(const Checkup& checkup, Diagnosis* diagnosis) {
  const Inspection& seen = checkup.inspection;
  const std::string subject = "driver";
  if (!seen.driver_trouble.empty()) {
    if (checkup.machine.gpus.empty()) {
      diagnosis->note(subject,
                      "no NVIDIA GPU on this machine: CPU providers can be measured, GPU "
                      "providers cannot (" +
                          seen.driver_trouble + ")");
    } else {
      diagnosis->warn(subject, "there is a GPU (/dev/nvidia0), but: " + seen.driver_trouble,
                      "make `nvidia-smi` work for this user first; in a container, start it with "
                      "`--gpus all`");
    }
    return;
  }
  diagnosis->ok(subject, fmt::format("libcuda works, driver {}, CUDA up to {}",
                                     seen.driver_version.empty() ? "unknown" : seen.driver_version,
                                     seen.cuda_version));
  if (major_of(seen.cuda_version) < kNewestCudaNeeded) {
    diagnosis->warn(subject,
                    fmt::format("this driver runs CUDA {} at most, attnbench is built for {}",
                                seen.cuda_version, kNewestCudaNeeded),
                    "install NVIDIA driver 580 or newer");
  }
  if (!seen.nvml_trouble.empty()) {
    diagnosis->warn(subject,
                    "records will lack clocks, power and temperature: " + seen.nvml_trouble,
                    "install the libnvidia-ml that belongs to the driver; in a container, give it "
                    "the capability \"utility\"");
  }
  if (seen.gpus.empty()) {
    diagnosis->warn(subject, "the driver shows no GPU",
                    "see CUDA_VISIBLE_DEVICES and `nvidia-smi`");
  }
}

void look_at_throttling(const GpuInspection& gpu, Diagnosis* diagnosis) {
  std::vector<std::string> held, harmful;
  for (const std::string& reason : gpu.throttle_reasons) {
    if (reason == "sw_power_cap") {
      diagnosis->note(gpu.device, "its power limit holds its clocks down, as it does under load");
    } else if (reason == "applications_clocks" || reason == "display_clocks" ||
               reason == "sync_boost") {
      held.push_back(reason);
    } else {
      harmful.push_back(reason);
    }
  }
  if (!held.empty()) {
    diagnosis->warn(
        gpu.device, "its clocks are held down by a setting: " + join(held, ", "),
        "`nvidia-smi -rac` (and `-rgc`) as root gives them back, if that is not wanted");
  }
  if (!harmful.empty()) {
    diagnosis->warn(gpu.device, "it is throttled: " + join(harmful, ", "),
                    "see to its cooling and power supply: its times are not those of a sound card");
  }
}

void look_at_company(const GpuInspection& gpu, Diagnosis* diagnosis) {
  std::vector<std::string> others;
  for (const GpuProcess& process : gpu.processes) {
    others.push_back(fmt::format("{} {} ({})", process.pid,
                                 process.name.empty() ? "(elsewhere)" : process.name,
                                 human_bytes(process.memory_bytes)));
  }
  const std::string advice = "end them or wait: who shares a GPU measures both";
  if (!others.empty()) {
    diagnosis->warn(gpu.device, "other processes are on it: " + join(others, ", "), advice);
  } else if (gpu.busy_percent > kBusyPercent) {
    diagnosis->warn(
        gpu.device,
        fmt::format("it is {} % busy with work that is not seen from here", gpu.busy_percent),
        "look with `nvidia-smi` outside of this container: " + advice);
  } else if (gpu.used_bytes > kDriversOwnBytes) {
    diagnosis->warn(gpu.device,
                    fmt::format("{} of its memory are in use by somebody not seen from here",
                                human_bytes(gpu.used_bytes)),
                    "look with `nvidia-smi` outside of this container: " + advice);
  }
}

void look_at_gpu(const GpuInspection& gpu, Diagnosis* diagnosis) {
  diagnosis->ok(gpu.device, fmt::format("{}, compute capability {}, {}", gpu.name,
                                        gpu.compute_capability, human_bytes(gpu.memory_bytes)));
  if (major_of(gpu.compute_capability) < kOldestComputeCapability) {
    diagnosis->warn(gpu.device, "it is older than what our GPU providers are written for",
                    "use a GPU of compute capability 8.0 (Ampere) or newer");
  }
  if (!gpu.nvml_trouble.empty()) {
    diagnosis->warn(gpu.device, "its clocks and power cannot be read: " + gpu.nvml_trouble,
                    "see whether `nvidia-smi` lists it");
    return;
  }
  const std::string limit =
      gpu.power_limit_w > 0 ? fmt::format(" of {:.0f} W", gpu.power_limit_w) : "";
  diagnosis->ok(gpu.device,
                fmt::format("now: SM clock {} MHz of {} MHz, memory clock {} MHz, {} C, {:.0f} W{}",
                            gpu.sm_clock_mhz, gpu.max_sm_clock_mhz, gpu.memory_clock_mhz,
                            gpu.temperature_c, gpu.power_w, limit));
  look_at_throttling(gpu, diagnosis);
  if (gpu.persistence == "off") {
    diagnosis->warn(gpu.device,
                    "persistence mode is off: the driver starts anew for each worker, which costs "
                    "seconds and forgets clock settings",
                    "`nvidia-smi -pm 1` as root, or run nvidia-persistenced");
  }
  look_at_company(gpu, diagnosis);
}

void look_at_libraries(const Checkup& checkup, Diagnosis* diagnosis) {
  const bool has_gpu = !checkup.inspection.gpus.empty();
  const std::string subject = "libraries";
  for (const LibraryInspection& library : checkup.inspection.libraries) {
    if (library.trouble.empty()) {
      diagnosis->ok(subject, fmt::format("{} {}: {}", library.name, library.version, library.path));
    } else if (has_gpu) {
      diagnosis->warn(subject, fmt::format("{}: {}", library.name, library.trouble),
                      fmt::format("providers that need {} will not run: install a CUDA Toolkit or "
                                  "pip's packages, or name the place in CUDA_HOME or "
                                  "LD_LIBRARY_PATH",
                                  library.file));
    } else {
      diagnosis->note(
          subject, fmt::format("{}: {} (not missed without a GPU)", library.name, library.trouble));
    }
  }
  if (checkup.toolkit.empty()) {
    diagnosis->note(subject, "no CUDA Toolkit: only building GPU kernels from source needs one");
  } else {
    diagnosis->ok(subject, "CUDA Toolkit: " + checkup.toolkit.string());
  }
}

void look_at_provider(const ProviderInfo& provider, Diagnosis* diagnosis) {
  const std::string subject = "providers";
  if (provider.state == LibraryState::shadowed) {
    diagnosis->note(subject, fmt::format("{} is not used: {}", provider.path, provider.reason));
    return;
  }
  if (provider.state != LibraryState::ok) {
    diagnosis->warn(subject,
                    fmt::format("{}: {}: {}", provider.path,
                                enum_to_text(kLibraryStates, provider.state), provider.reason),
                    "repair or remove that file: its trials will be load_failed");
    return;
  }
  std::vector<std::string> usable, reasons;
  for (const Usability& usability : provider.usable) {
    if (usability.score > 0) {
      usable.push_back(usability.device);
    } else {
      reasons.push_back(usability.device + ": " + usability.reason);
    }
  }
  const std::string name = provider.id + " " + provider.version;
  if (!usable.empty()) {
    diagnosis->ok(subject, name + ": usable on " + join(usable, ", "));
  } else {
    diagnosis->note(subject, name + ": not usable here: " + join(reasons, "; "));
  }
}

Json to_json(const GpuInspection& gpu) {
  Json processes = Json::array();
  for (const GpuProcess& process : gpu.processes) {
    processes.push_back(
        Json{{"pid", process.pid}, {"name", process.name}, {"memory_bytes", process.memory_bytes}});
  }
  return Json{{"device", gpu.device},
              {"name", gpu.name},
              {"compute_capability", gpu.compute_capability},
              {"memory_bytes", gpu.memory_bytes},
              {"used_bytes", gpu.used_bytes},
              {"sm_clock_mhz", gpu.sm_clock_mhz},
              {"max_sm_clock_mhz", gpu.max_sm_clock_mhz},
              {"memory_clock_mhz", gpu.memory_clock_mhz},
              {"temperature_c", gpu.temperature_c},
              {"power_w", gpu.power_w},
              {"power_limit_w", gpu.power_limit_w},
              {"throttle_reasons", gpu.throttle_reasons},
              {"persistence", gpu.persistence},
              {"busy_percent", gpu.busy_percent},
              {"processes", processes}};
}

Color color_of(FindingLevel level) {
  if (level == FindingLevel::warning) return Color::red;
  return level == FindingLevel::note ? Color::yellow : Color::green;
}

}  // namespace

std::vector<Finding> diagnose(const Checkup& checkup) {
  Diagnosis diagnosis;
  look_at_processor(checkup.machine, &diagnosis);
  look_at_driver(checkup, &diagnosis);
  for (const GpuInspection& gpu : checkup.inspection.gpus) look_at_gpu(gpu, &diagnosis);
  look_at_libraries(checkup, &diagnosis);
  for (const ProviderInfo& provider : checkup.providers) look_at_provider(provider, &diagnosis);
  if (checkup.providers.empty()) {
    diagnosis.warn("providers", "no provider was found",
                   "`attnbench list providers` names the directories; put a *.provider.so there");
  }
  return std::move(diagnosis.findings);
}

size_t count_warnings(const std::vector<Finding>& findings) {
  return static_cast<size_t>(
      std::count_if(findings.begin(), findings.end(),
                    [](const Finding& finding) { return finding.level == FindingLevel::warning; }));
}

std::string doctor_text(const std::vector<Finding>& findings, const TerminalStyle& style) {
  std::string text, subject;
  for (const Finding& finding : findings) {
    if (finding.subject != subject) {
      subject = finding.subject;
      text += colored(subject, Color::bold, style) + "\n";
    }
    const std::string level = fmt::format("{:<7}", enum_to_text(kFindingLevels, finding.level));
    text += fmt::format("  {}  {}\n", colored(level, color_of(finding.level), style),
                        printable(finding.text));
    if (!finding.advice.empty())
      text += fmt::format("           -- {}\n", printable(finding.advice));
  }
  const size_t warnings = count_warnings(findings);
  if (warnings == 0) return text + "\nno warnings: measure away\n";
  return text + fmt::format("\n{} warning{}\n", warnings, warnings == 1 ? "" : "s");
}

Json doctor_json(const Checkup& checkup, const std::vector<Finding>& findings) {
  const Inspection& seen = checkup.inspection;
  Json rows = Json::array(), gpus = Json::array(), libraries = Json::array();
  for (const Finding& finding : findings) {
    rows.push_back(Json{{"level", enum_to_text(kFindingLevels, finding.level)},
                        {"subject", finding.subject},
                        {"text", finding.text},
                        {"advice", finding.advice}});
  }
  for (const GpuInspection& gpu : seen.gpus) gpus.push_back(to_json(gpu));
  for (const LibraryInspection& library : seen.libraries) {
    libraries.push_back(Json{{"name", library.name},
                             {"file", library.file},
                             {"path", library.path},
                             {"version", library.version},
                             {"trouble", library.trouble}});
  }
  return Json{{"warnings", count_warnings(findings)},
              {"findings", rows},
              {"machine", attnbench::to_json(checkup.machine)},
              {"driver", Json{{"version", seen.driver_version},
                              {"cuda_version", seen.cuda_version},
                              {"trouble", seen.driver_trouble},
                              {"nvml_trouble", seen.nvml_trouble}}},
              {"gpus", gpus},
              {"libraries", libraries},
              {"toolkit", checkup.toolkit.string()}};
}

}  // namespace attnbench
