#include "device/cpu_device.h"

#include <fmt/format.h>
#include <malloc.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/hash.h"
#include "base/text.h"
#include "device/cache_flush.h"
#include "device/cpu_facts.h"
#include "device/cpu_peak.h"
#include "device/guard.h"
#include "tensor/convert.h"

namespace attnbench {
namespace {

constexpr uint64_t kPageBytes = 4096;

uint64_t round_up(uint64_t value, uint64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

std::span<std::byte> contents(const Buffer& buffer) {
  return {buffer.data(), buffer.bytes()};
}

struct GuardBands {
  std::span<std::byte> before, after;
  uint64_t after_position;
};

GuardBands guards_of(const Buffer& buffer) {
  const uint64_t before_bytes = static_cast<uint64_t>(buffer.data() - buffer.base());
  const uint64_t after_position = before_bytes + buffer.bytes();
  return {{buffer.base(), before_bytes},
          {buffer.base() + after_position, buffer.span_bytes() - after_position},
          after_position};
}

std::span<const std::byte> elements(const Buffer& buffer, Dtype dtype, int64_t first,
                                    int64_t count) {
  const int64_t size = bytes_of(dtype);
  return {buffer.data() + first * size, static_cast<size_t>(count * size)};
}

}  // namespace

CpuDevice::CpuDevice() : identity_("cpu") {}

DeviceFacts CpuDevice::facts() {
  DeviceFacts facts;
  facts.device = "cpu";
  facts.name = identity_.name;
  facts.memory_bytes = total_memory_bytes();
  facts.free_bytes = free_bytes();
  facts.cache_bytes = last_level_cache_bytes();
  facts.threads = allowed_cpus();
  facts.peak_tflops_fp32 = measure_peak_tflops_fp32(facts.threads);
  facts.peak_tflops_one_thread = measure_peak_tflops_fp32(1);
  // No CPU provider here multiplies 16-bit numbers: they are widened first. One that used AMX would
  // need a peak of its own here, or be called implausible.
  facts.peak_tflops_16bit = facts.peak_tflops_fp32;
  return facts;
}

Buffer CpuDevice::allocate(uint64_t bytes, uint64_t alignment) {
  const uint64_t slack_bytes = 2 * kGuardBytes + alignment + kPageBytes;
  if (bytes > free_bytes() || bytes + slack_bytes > free_bytes()) {
    throw OutOfDeviceMemory(
        fmt::format("needs {} more, {} are free", human_bytes(bytes), human_bytes(free_bytes())));
  }
  const uint64_t span_bytes = round_up(bytes + slack_bytes, kPageBytes);
  void* memory =
      mmap(nullptr, span_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    throw OutOfDeviceMemory(
        fmt::format("{} refused by the system: {}", human_bytes(bytes), std::strerror(errno)));
  }
  const uintptr_t base = reinterpret_cast<uintptr_t>(memory);
  std::byte* const data =
      static_cast<std::byte*>(memory) + (round_up(base + kGuardBytes, alignment) - base);
  Buffer buffer(*this, static_cast<std::byte*>(memory), span_bytes, data, bytes);
  set_guards(buffer);
  return buffer;
}

void CpuDevice::deallocate(std::byte* base, uint64_t span_bytes) noexcept {
  munmap(base, span_bytes);
}

uint64_t CpuDevice::free_bytes() const {
  return available_memory_bytes();
}

uint64_t CpuDevice::bytes_in_use() const {
  malloc_trim(0);  // what was freed but kept for later is no leak
  return resident_bytes();
}

void CpuDevice::fill_input(const Buffer& buffer, const TensorLayout& layout,
                           const InputSource& source) {
  source.fill_tensor(layout, contents(buffer));
}

void CpuDevice::poison(const Buffer& buffer) {
  std::memset(buffer.data(), 0xff, buffer.bytes());
}

void CpuDevice::set_guards(const Buffer& buffer) {
  const GuardBands guards = guards_of(buffer);
  write_guard(guards.before, 0);
  write_guard(guards.after, guards.after_position);
}

GuardDamage CpuDevice::find_guard_damage(const Buffer& buffer) {
  const GuardBands guards = guards_of(buffer);
  return {count_guard_damage(guards.before, 0),
          count_guard_damage(guards.after, guards.after_position)};
}

uint64_t CpuDevice::hash(const Buffer& buffer) {
  return hash_bytes(contents(buffer));
}

std::vector<float> CpuDevice::read_rows(const Buffer& buffer, Dtype dtype,
                                        std::span<const int64_t> first_elements, int64_t columns) {
  std::vector<float> rows(first_elements.size() * static_cast<size_t>(columns));
  std::span<float> rest = rows;
  for (const int64_t first : first_elements) {
    to_float(dtype, elements(buffer, dtype, first, columns), rest.first(columns));
    rest = rest.subspan(columns);
  }
  return rows;
}

std::vector<double> CpuDevice::column_sums(const Buffer& buffer, Dtype dtype,
                                           std::span<const RowBlock> blocks) {
  std::vector<double> sums;
  std::vector<float> row;
  for (const RowBlock& block : blocks) {
    const size_t first_sum = sums.size();
    sums.resize(first_sum + static_cast<size_t>(block.columns), 0.0);
    row.resize(static_cast<size_t>(block.columns));
    for (int64_t i = 0; i < block.rows; ++i) {
      const int64_t first = block.first_element + i * block.row_stride;
      to_float(dtype, elements(buffer, dtype, first, block.columns), row);
      for (size_t column = 0; column < row.size(); ++column)
        sums[first_sum + column] += row[column];
    }
  }
  return sums;
}

void CpuDevice::evict_cache(std::span<const Buffer* const> buffers) {
  for (const Buffer* buffer : buffers) flush_cache_lines(contents(*buffer));
}

void CpuDevice::start_timer(size_t timer) {
  if (timer >= timers_.size()) timers_.resize(2 * timer + 64);
  timers_[timer].start = std::chrono::steady_clock::now();
}

void CpuDevice::stop_timer(size_t timer) {
  timers_.at(timer).stop = std::chrono::steady_clock::now();
}

double CpuDevice::elapsed_ms(size_t timer) {
  const Timer& done = timers_.at(timer);
  return std::chrono::duration<double, std::milli>(done.stop - done.start).count();
}

void CpuDevice::begin_state() {
  getrusage(RUSAGE_SELF, &usage_at_begin_);
}

std::string CpuDevice::end_state() {
  rusage now{};
  getrusage(RUSAGE_SELF, &now);
  Json state;
  double load = 0.0;
  if (getloadavg(&load, 1) == 1) state["load_average"] = load;
  if (const std::optional<double> mhz = cpu_mhz()) state["cpu_mhz"] = *mhz;
  state["preemptions"] = now.ru_nivcsw - usage_at_begin_.ru_nivcsw;
  state["minor_faults"] = now.ru_minflt - usage_at_begin_.ru_minflt;
  state["major_faults"] = now.ru_majflt - usage_at_begin_.ru_majflt;
  state["cache_flush"] = kCacheFlushMethod;
  return dump_json(state);
}

}  // namespace attnbench
