// What Linux says of this machine's processor and memory.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace attnbench {

std::string cpu_name();
uint64_t last_level_cache_bytes();  // 0: not known
int allowed_cpus();                 // of this process's cpuset
uint64_t total_memory_bytes();      // what a control group allows, if that is less
uint64_t available_memory_bytes();
std::optional<double> cpu_mhz();  // of the first processor, where the kernel tells
uint64_t resident_bytes();        // of this process, without what is mapped from files

}  // namespace attnbench
