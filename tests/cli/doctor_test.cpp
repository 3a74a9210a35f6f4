#include "cli/doctor.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "support/catch.h"
#include "support/golden.h"

namespace attnbench {
namespace {

ProviderInfo provider_named(const std::string& id, const std::string& device, int score,
                            const std::string& reason) {
  ProviderInfo provider;
  provider.id = id;
  provider.version = "1.0.0";
  provider.usable = {{device, score, reason}};
  return provider;
}

Machine quiet_machine() {
  Machine machine;
  machine.cpu.name = "Fast CPU 9000";
  machine.cpu.logical_cpus = machine.cpu.allowed_cpus = 8;
  machine.cpu.memory_bytes = uint64_t{16} << 30;
  machine.cpu.available_bytes = uint64_t{12} << 30;
  machine.cpu.governor = "performance";
  machine.kernel = "Linux 6.1";
  return machine;
}

Checkup without_gpu() {
  Checkup checkup;
  checkup.machine = quiet_machine();
  checkup.inspection.driver_trouble = "no NVIDIA driver on this machine: libcuda.so.1 not found";
  checkup.inspection.libraries = {{"cuDNN", "libcudnn.so.9", "", "", "no such file"}};
  checkup.providers = {provider_named("cpu_flash", "cpu", 1, ""),
                       provider_named("cudnn_sdpa", "cpu", 0, "serves cuda only")};
  return checkup;
}

Checkup with_gpu() {
  Checkup checkup;
  checkup.machine = quiet_machine();
  checkup.machine.gpus = {{"cuda:0", "NVIDIA H100 80GB HBM3"}};
  Inspection& seen = checkup.inspection;
  seen.driver_version = "580.95.05";
  seen.cuda_version = "13.0";
  GpuInspection gpu;
  gpu.device = "cuda:0";
  gpu.name = "NVIDIA H100 80GB HBM3";
  gpu.compute_capability = "9.0";
  gpu.memory_bytes = uint64_t{80} << 30;
  gpu.used_bytes = uint64_t{600} << 20;
  gpu.sm_clock_mhz = 345;
  gpu.max_sm_clock_mhz = 1980;
  gpu.memory_clock_mhz = 2619;
  gpu.temperature_c = 31;
  gpu.power_w = 71.0;
  gpu.power_limit_w = 700.0;
  gpu.persistence = "on";
  seen.gpus = {gpu};
  seen.libraries = {{"cuDNN", "libcudnn.so.9", "/opt/lib/libcudnn.so.9", "9.19.0", ""}};
  checkup.toolkit = "/usr/local/cuda";
  checkup.providers = {provider_named("cudnn_sdpa", "cuda:0", 1, "")};
  return checkup;
}

// The texts of all warnings, one a line.
std::string warnings_of(const Checkup& checkup) {
  std::string text;
  for (const Finding& finding : diagnose(checkup)) {
    if (finding.level == FindingLevel::warning) text += finding.text + "\n";
    CHECK(finding.advice.empty() == (finding.level != FindingLevel::warning));
  }
  return text;
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a machine without a GPU is sound, and says what it lacks", "[doctor]") {
  CHECK(warnings_of(without_gpu()).empty());
  check_golden("cli/golden/doctor_without_gpu.txt", doctor_text(diagnose(without_gpu()), {}));
}

TEST_CASE("a GPU that is well has no warning", "[doctor]") {
  CHECK(warnings_of(with_gpu()).empty());
}

TEST_CASE("each trouble of a GPU is a warning with advice", "[doctor]") {
  Checkup checkup = with_gpu();
  GpuInspection& gpu = checkup.inspection.gpus.front();
  gpu.persistence = "off";
  gpu.throttle_reasons = {"sw_power_cap", "hw_thermal", "applications_clocks"};
  gpu.processes = {{4711, "python3", uint64_t{30} << 30}, {4712, "", 0}};
  checkup.inspection.cuda_version = "12.4";
  checkup.inspection.libraries.front() = {"cuDNN", "libcudnn.so.9", "", "", "cannot open it"};
  checkup.machine.cpu.load = 7.5;
  checkup.machine.cpu.governor = "powersave";
  warnings_of(checkup);
  check_golden("cli/golden/doctor_troubles.txt", doctor_text(diagnose(checkup), {}));
}

TEST_CASE("work on a GPU that shows no process here is still noticed", "[doctor]") {
  Checkup checkup = with_gpu();
  checkup.inspection.gpus.front().used_bytes = uint64_t{30} << 30;
  CHECK(holds(warnings_of(checkup), "memory are in use by somebody"));
  checkup.inspection.gpus.front().busy_percent = 97;
  CHECK(holds(warnings_of(checkup), "97 % busy"));
}

TEST_CASE("a GPU whose driver does not work is a warning, none at all is a note", "[doctor]") {
  Checkup checkup = without_gpu();
  checkup.machine.gpus = {{"cuda:0", ""}};
  CHECK(holds(warnings_of(checkup), "there is a GPU (/dev/nvidia0), but: no NVIDIA driver"));
  Checkup blind = with_gpu();
  blind.inspection.gpus.clear();
  CHECK(holds(warnings_of(blind), "the driver shows no GPU"));
}

TEST_CASE("a broken provider file is a warning, a shadowed one is a note", "[doctor]") {
  Checkup checkup = without_gpu();
  ProviderInfo broken;
  broken.path = "/p/bad.provider.so";
  broken.state = LibraryState::not_elf;
  broken.reason = "not an ELF file";
  checkup.providers = {broken};
  CHECK(holds(warnings_of(checkup), "/p/bad.provider.so: not_elf: not an ELF file"));
  checkup.providers.front().state = LibraryState::shadowed;
  CHECK(warnings_of(checkup).empty());
  checkup.providers.clear();
  CHECK(holds(warnings_of(checkup), "no provider was found"));
}

TEST_CASE("doctor as JSON holds numbers beside the sentences", "[doctor]") {
  const Checkup checkup = with_gpu();
  const Json json = doctor_json(checkup, diagnose(checkup));
  CHECK(json["warnings"] == 0);
  CHECK(json["gpus"][0]["max_sm_clock_mhz"] == 1980);
  CHECK(json["libraries"][0]["version"] == "9.19.0");
  CHECK(json["driver"]["version"] == "580.95.05");
  CHECK(json["findings"].size() == diagnose(checkup).size());
}

}  // namespace attnbench
