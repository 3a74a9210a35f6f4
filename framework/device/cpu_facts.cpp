#include "device/cpu_facts.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <sstream>

#include "base/text.h"

namespace attnbench {
namespace {

// The text behind "key:" in a file such as /proc/meminfo.
std::optional<std::string> find_line(const char* path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(':');
    if (colon != std::string::npos && trim(std::string_view(line).substr(0, colon)) == key) {
      return std::string(trim(std::string_view(line).substr(colon + 1)));
    }
  }
  return std::nullopt;
}

uint64_t bytes_of_line(const char* path, const std::string& key) {
  std::istringstream text(find_line(path, key).value_or("0"));
  uint64_t kib = 0;
  text >> kib;
  return kib * 1024;
}

// "max" and a missing file mean no limit.
std::optional<uint64_t> control_group_bytes(const char* path) {
  std::ifstream file(path);
  uint64_t bytes = 0;
  if (file >> bytes) return bytes;
  return std::nullopt;
}

}  // namespace

std::string cpu_name() {
  return find_line("/proc/cpuinfo", "model name").value_or("unknown processor");
}

uint64_t last_level_cache_bytes() {
  const long bytes = std::max(sysconf(_SC_LEVEL3_CACHE_SIZE), sysconf(_SC_LEVEL2_CACHE_SIZE));
  return bytes > 0 ? static_cast<uint64_t>(bytes) : 0;
}

int allowed_cpus() {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) == 0) return CPU_COUNT(&allowed);
  return static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));  // more processors than cpu_set_t holds
}

uint64_t total_memory_bytes() {
  const uint64_t installed_bytes = bytes_of_line("/proc/meminfo", "MemTotal");
  return std::min(installed_bytes, control_group_bytes("/sys/fs/cgroup/memory.max")
                                       .value_or(std::numeric_limits<uint64_t>::max()));
}

uint64_t available_memory_bytes() {
  const uint64_t available_bytes = bytes_of_line("/proc/meminfo", "MemAvailable");
  const std::optional<uint64_t> limit = control_group_bytes("/sys/fs/cgroup/memory.max");
  if (!limit) return available_bytes;
  const uint64_t used = control_group_bytes("/sys/fs/cgroup/memory.current").value_or(0);
  return std::min(available_bytes, *limit - std::min(*limit, used));
}

std::optional<double> cpu_mhz() {
  std::ifstream file("/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq");
  double khz = 0.0;
  if (file >> khz) return khz / 1000.0;
  return std::nullopt;
}

uint64_t resident_bytes() {
  return bytes_of_line("/proc/self/status", "RssAnon") +
         bytes_of_line("/proc/self/status", "RssShmem");
}

}  // namespace attnbench
