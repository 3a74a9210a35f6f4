#include "device/cpu_device.h"

#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/error.h"
#include "device/cpu_facts.h"
#include "device/cpu_peak.h"
#include "support/catch.h"
#include "tensor/convert.h"

using namespace attnbench;

namespace {

std::span<float> floats(const Buffer& buffer) {
  return {reinterpret_cast<float*>(buffer.data()), buffer.bytes() / sizeof(float)};
}

}  // namespace

TEST_CASE("a buffer is aligned as asked, even beyond a page", "[device]") {
  CpuDevice device;
  for (const uint64_t alignment : {256u, 4096u, 1u << 21}) {
    const Buffer buffer = device.allocate(1000, alignment);
    CHECK(reinterpret_cast<uintptr_t>(buffer.data()) % alignment == 0);
    CHECK_FALSE(device.find_guard_damage(buffer).any());
  }
}

TEST_CASE("one byte outside a buffer is found, on either side", "[device]") {
  CpuDevice device;
  const Buffer buffer = device.allocate(1001, 256);
  std::memset(buffer.data(), 0, buffer.bytes());
  CHECK_FALSE(device.find_guard_damage(buffer).any());

  buffer.data()[1001] ^= std::byte{1};
  CHECK(device.find_guard_damage(buffer).bytes_after == 1);
  CHECK(device.find_guard_damage(buffer).bytes_before == 0);
  buffer.data()[-1] ^= std::byte{1};
  CHECK(device.find_guard_damage(buffer).bytes_before == 1);

  device.set_guards(buffer);
  CHECK_FALSE(device.find_guard_damage(buffer).any());
}

TEST_CASE("a guard band filled with one value, or with its own shifted bytes, is damage",
          "[device]") {
  CpuDevice device;
  const Buffer buffer = device.allocate(64, 256);
  std::byte* const after = buffer.data() + buffer.bytes();
  std::memmove(after, after + 8, 512);
  CHECK(device.find_guard_damage(buffer).bytes_after > 400);
}

TEST_CASE("a poisoned buffer reads as NaN in every dtype", "[device]") {
  CpuDevice device;
  const Buffer buffer = device.allocate(64, 256);
  device.poison(buffer);
  const int64_t rows[] = {0, 8};
  for (const Dtype dtype : {Dtype::fp16, Dtype::bf16, Dtype::fp32}) {
    for (const float value : device.read_rows(buffer, dtype, rows, 8)) CHECK(std::isnan(value));
  }
}

TEST_CASE("the hash notices a single changed bit, and two swapped words", "[device]") {
  CpuDevice device;
  const Buffer buffer = device.allocate(4000, 256);
  for (size_t i = 0; i < floats(buffer).size(); ++i) floats(buffer)[i] = static_cast<float>(i);
  const uint64_t before = device.hash(buffer);
  CHECK(device.hash(buffer) == before);
  buffer.data()[3999] ^= std::byte{0x80};
  CHECK(device.hash(buffer) != before);
  buffer.data()[3999] ^= std::byte{0x80};
  CHECK(device.hash(buffer) == before);
  std::swap(floats(buffer)[10], floats(buffer)[500]);
  CHECK(device.hash(buffer) != before);
}

TEST_CASE("rows and column sums come from where they were asked for", "[device]") {
  CpuDevice device;
  const Buffer buffer = device.allocate(5 * 4 * sizeof(float), 256);
  for (size_t i = 0; i < 20; ++i) floats(buffer)[i] = static_cast<float>(i);
  const int64_t firsts[] = {16, 4};
  CHECK(device.read_rows(buffer, Dtype::fp32, firsts, 3) ==
        std::vector<float>{16, 17, 18, 4, 5, 6});
  // Rows 0, 2 and 4 (stride 8), columns 1 and 2.
  const RowBlock blocks[] = {{1, 3, 8, 2}, {0, 1, 4, 2}};
  CHECK(device.column_sums(buffer, Dtype::fp32, blocks) == std::vector<double>{27, 30, 0, 1});
}

TEST_CASE("inputs are filled through the tensor's layout", "[device]") {
  CpuDevice device;
  Problem problem;
  problem.heads = 2;
  problem.kv_heads = 2;
  problem.seqlen_q = problem.seqlen_kv = 3;
  problem.head_dim = 8;
  problem.layout = Layout::bhsd;
  const InputSource source(problem, 5, 1);
  const TensorLayout layout = layout_of(problem, Role::k);
  const Buffer buffer = device.allocate(static_cast<uint64_t>(layout.bytes), 256);
  device.fill_input(buffer, layout, source);
  std::vector<float> expected(8);
  source.fill_row(Role::k, 0, 1, 2, expected);
  const int64_t first[] = {layout.offset_of(0, 1, 2)};
  CHECK(device.read_rows(buffer, problem.dtype, first, 8) == expected);
}

TEST_CASE("more memory than there is is refused before it is touched", "[device]") {
  CpuDevice device;
  CHECK_THROWS_AS(device.allocate(device.free_bytes() + 1, 256), OutOfDeviceMemory);
  CHECK_THROWS_AS(device.allocate(~uint64_t{0} - 100, 256), OutOfDeviceMemory);
}

TEST_CASE("a released buffer gives its memory back", "[device]") {
  CpuDevice device;
  const uint64_t before = device.bytes_in_use();
  {
    const Buffer buffer = device.allocate(64 << 20, 256);
    device.poison(buffer);
    CHECK(device.bytes_in_use() > before + (60 << 20));
  }
  CHECK(device.bytes_in_use() < before + (4 << 20));
}

TEST_CASE("opening the CPU leaves the process its processors", "[device]") {
  cpu_set_t before, after;
  REQUIRE(sched_getaffinity(0, sizeof(before), &before) == 0);
  const std::unique_ptr<Device> device = open_device("cpu");
  const DeviceFacts facts = device->facts();
  REQUIRE(sched_getaffinity(0, sizeof(after), &after) == 0);
  CHECK(CPU_EQUAL(&before, &after));
  CHECK(facts.threads == CPU_COUNT(&before));
  CHECK(facts.free_bytes <= facts.memory_bytes);
  CHECK(device->identity().id.type == ATTN_DEVICE_CPU);
}

TEST_CASE("a device that is not there is an error that names those that are", "[device]") {
  try {
    open_device("abacus:0");
    FAIL("it was opened");
  } catch (const Error& error) {
    CHECK(error.line().find("abacus:0") != std::string::npos);
    CHECK(error.hint().find("cpu") != std::string::npos);
  }
}

TEST_CASE("the measured peak is above what any simple loop reaches", "[device]") {
  // One multiply-add a nanosecond is what scalar code does; vectors do ten times that and more.
  const double peak = measure_peak_tflops_fp32(1);
  CHECK(peak > 0.002);
  CHECK(peak < 0.4);  // of one core: 2 x 16 lanes x 2 x 6 GHz is the most there is
}

#if defined(__x86_64__)
// Multiply-adds that wait for each other take four cycles each on every x86 core since 2015: the
// clock.
double clock_ghz() {
  constexpr int kSteps = 200000;
  double best_ns = 1e9;
  for (int slice = 0; slice < 200; ++slice) {
    volatile float start = 0.5f;
    float x = start;
    const std::chrono::steady_clock::time_point before = std::chrono::steady_clock::now();
    for (int i = 0; i < kSteps; ++i) asm volatile("mulss %0, %0" : "+x"(x));
    const std::chrono::duration<double, std::nano> spent =
        std::chrono::steady_clock::now() - before;
    start = x;
    best_ns = std::min(best_ns, spent.count());
  }
  return 4.0 * kSteps / best_ns;
}

TEST_CASE("the measured peak is no more than two multiply-adds a cycle", "[device]") {
  const double lanes = __builtin_cpu_supports("avx512f") != 0 ? 16 : 8;
  CHECK(measure_peak_tflops_fp32(1) < 1.15 * clock_ghz() * 1e-3 * 2 * 2 * lanes);
}
#endif

TEST_CASE("a stopwatch measures what lies between start and stop", "[device]") {
  CpuDevice device;
  device.start_timer(100);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  device.stop_timer(100);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK(device.elapsed_ms(100) >= 20.0);
  CHECK(device.elapsed_ms(100) < 39.0);
}

TEST_CASE("the state over a burst counts page faults", "[device]") {
  CpuDevice device;
  device.begin_state();
  const Buffer buffer = device.allocate(8 << 20, 256);
  device.poison(buffer);
  const Json state = Json::parse(device.end_state());
  CHECK(state.at("minor_faults").get<int64_t>() > 0);
  CHECK(state.contains("preemptions"));
}
