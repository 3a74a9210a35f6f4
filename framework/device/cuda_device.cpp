#include "device/cuda_device.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cstring>

#include "base/error.h"
#include "base/hash.h"
#include "base/text.h"
#include "device/cpu_facts.h"
#include "device/cuda_facts.h"
#include "device/cuda_kernels.h"
#include "device/guard.h"
#include "tensor/convert.h"
#include "tensor/normal_table.h"

namespace attnbench {
namespace {

constexpr uint64_t kPageBytes = 4096;
constexpr size_t kFirstTimers = 64;

uint64_t round_up(uint64_t value, uint64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

CuAddress address_of(const void* memory) {
  return reinterpret_cast<CuAddress>(memory);
}

GuardArguments guards_of(const Buffer& buffer) {
  unsigned char* const base = reinterpret_cast<unsigned char*>(buffer.base());
  const uint64_t before_bytes = static_cast<uint64_t>(buffer.data() - buffer.base());
  const uint64_t after_position = before_bytes + buffer.bytes();
  GuardArguments guards{};
  guards.bands[0] = base;
  guards.bytes[0] = before_bytes;
  guards.bands[1] = base + after_position;
  guards.bytes[1] = buffer.span_bytes() - after_position;
  guards.positions[1] = after_position;
  return guards;
}

std::span<const std::byte> table_of(const DrawLaw& law, Dtype dtype) {
  return dtype == Dtype::fp32 ? std::as_bytes(std::span(law.values))
                              : std::as_bytes(std::span(law.bits));
}

FillArguments fill_arguments(const Buffer& buffer, const TensorLayout& layout,
                             const InputSource& source, CuAddress table) {
  const DrawLaw& law = source.law_of(layout.role);
  FillArguments fill{};
  fill.memory = buffer.data();
  fill.values = reinterpret_cast<const void*>(table);
  fill.elements = layout.elements_stored;
  fill.key[0] = static_cast<uint32_t>(source.seed());
  fill.key[1] = static_cast<uint32_t>(source.seed() >> 32);
  fill.role = InputSource::number_of(layout.role);
  fill.variant = source.variant();
  fill.is_bias = layout.role == Role::bias;
  fill.low_threshold = law.low_threshold;
  fill.low_bits = law.low_bits;
  if (layout.dtype == Dtype::fp32) std::memcpy(&fill.low_bits, &law.low_value, sizeof(float));
  // A bias is stored in the order in which it is drawn, whatever the layout.
  fill.is_logical_order = fill.is_bias || source.problem().layout == Layout::bshd;
  if (fill.is_logical_order) return fill;
  fill.seqlen = layout.shape[1];
  fill.heads = layout.shape[2];
  fill.head_dim = layout.shape[3];
  fill.batch_stride = layout.strides[0];
  fill.seqlen_stride = layout.strides[1];
  fill.heads_stride = layout.strides[2];
  return fill;
}

template <typename Item>
std::span<Item> items_in(std::span<std::byte> memory) {
  return {reinterpret_cast<Item*>(memory.data()), memory.size() / sizeof(Item)};
}

}  // namespace

CudaDevice::CudaDevice(int ordinal)
    : identity_(fmt::format("cuda:{}", ordinal)), context_(ordinal), kernels_{} {
  const auto find = [this](const char* name) { return context_.kernel(name); };
  kernels_ = {find("fill_16bit"),
              find("fill_32bit"),
              find("write_guards"),
              find("count_guard_damage"),
              find("hash_memory"),
              find("gather_rows"),
              find("sum_columns_fp16"),
              find("sum_columns_bf16"),
              find("sum_columns_fp32"),
              find("flush_cache"),
              find("spin"),
              find("heat")};
  try {
    nvml_.emplace(identity_.facts.uuid);
    watch_.emplace(*nvml_);
  } catch (const Error& error) {
    nvml_trouble_ = error.what();  // goes into every record's state
  }
  for (Law& law : laws_) {
    law.memory = CudaMemory(context_.driver(), kNormalTableSize * sizeof(float));
  }
  flush_bytes_ = 2 * std::max<uint64_t>(facts_of_cuda(context_.driver(), ordinal).cache_bytes,
                                        uint64_t{16} << 20);
  flush_ = CudaMemory(context_.driver(), flush_bytes_);
  add_timers(kFirstTimers);
}

CudaDevice::~CudaDevice() {
  forget_recording();
  for (const Timer& timer : timers_) {
    context_.driver().cuEventDestroy(timer.start);
    context_.driver().cuEventDestroy(timer.stop);
  }
}

DeviceFacts CudaDevice::facts() {
  DeviceFacts facts = facts_of_cuda(context_.driver(), identity_.facts.id.id);
  facts.device = fmt::format("cuda:{}", identity_.facts.id.id);
  facts.free_bytes = free_bytes();
  facts.threads = allowed_cpus();  // of the host: what a provider may compile with
  if (nvml_) facts.driver_version = nvml_driver_version();
  return facts;
}

void CudaDevice::synchronize() {
  context_.synchronize("waiting for the GPU");
}

bool CudaDevice::is_healthy() {
  // Sticky errors are returned by every call from then on, others are not.
  return context_.driver().cuCtxSynchronize() == kCudaSuccess;
}

Buffer CudaDevice::allocate(uint64_t bytes, uint64_t alignment) {
  const uint64_t slack_bytes = 2 * kGuardBytes + alignment + kPageBytes;
  if (bytes > free_bytes() || bytes + slack_bytes > free_bytes()) {
    throw OutOfDeviceMemory(fmt::format("needs {} more, the GPU has {} free", human_bytes(bytes),
                                        human_bytes(free_bytes())));
  }
  const uint64_t span_bytes = round_up(bytes + slack_bytes, kPageBytes);
  const CuAddress base = allocate_device_memory(context_.driver(), span_bytes);
  std::byte* const memory = reinterpret_cast<std::byte*>(base);
  Buffer buffer(*this, memory, span_bytes,
                memory + (round_up(base + kGuardBytes, alignment) - base), bytes);
  set_guards(buffer);
  return buffer;
}

void CudaDevice::deallocate(std::byte* base, uint64_t) noexcept {
  context_.driver().cuMemFree(address_of(base));
}

uint64_t CudaDevice::free_bytes() const {
  size_t free = 0, total = 0;
  context_.driver().check(context_.driver().cuMemGetInfo(&free, &total), "asking for free memory");
  return free;
}

uint64_t CudaDevice::bytes_in_use() const {
  size_t free = 0, total = 0;
  context_.driver().check(context_.driver().cuMemGetInfo(&free, &total), "asking for free memory");
  return total - free;
}

// A case has one law for its bias and one for all else, so within a case nothing is copied twice.
CuAddress CudaDevice::table_on_gpu(const InputSource& source, Role role) {
  Law& law = laws_[role == Role::bias ? 0 : 1];
  const std::span<const std::byte> table = table_of(source.law_of(role), source.problem().dtype);
  if (!std::equal(table.begin(), table.end(), law.table.begin(), law.table.end())) {
    law.table.assign(table.begin(), table.end());
    const CudaDriver& driver = context_.driver();
    // On our stream, behind the fills that read the old one. A plain cuMemcpyHtoD returns while the
    // last bytes are under way, and our stream does not wait for the default one.
    driver.check(driver.cuMemcpyHtoDAsync(law.memory.address(), law.table.data(), law.table.size(),
                                          context_.stream()),
                 "copying the table that inputs are drawn from");
  }
  return law.memory.address();
}

void CudaDevice::fill_input(const Buffer& buffer, const TensorLayout& layout,
                            const InputSource& source) {
  const FillArguments fill =
      fill_arguments(buffer, layout, source, table_on_gpu(source, layout.role));
  const CuFunction kernel = layout.dtype == Dtype::fp32 ? kernels_.fill_32bit : kernels_.fill_16bit;
  context_.launch(kernel, context_.grid_for(fill.elements / 8 + 1), fill);
}

void CudaDevice::poison(const Buffer& buffer) {
  if (buffer.bytes() == 0) return;
  const CudaDriver& driver = context_.driver();
  driver.check(
      driver.cuMemsetD8Async(address_of(buffer.data()), 0xff, buffer.bytes(), context_.stream()),
      "poisoning memory");
}

void CudaDevice::set_guards(const Buffer& buffer) {
  context_.launch(kernels_.write_guards, {2}, guards_of(buffer));
}

GuardDamage CudaDevice::find_guard_damage(const Buffer& buffer) {
  const std::span<uint64_t> damaged_bytes = items_in<uint64_t>(context_.pinned());
  GuardArguments guards = guards_of(buffer);
  guards.damaged_bytes = damaged_bytes.data();
  context_.launch(kernels_.count_guard_damage, {2}, guards);
  context_.synchronize("looking at guard bands");
  return {damaged_bytes[0], damaged_bytes[1]};
}

uint64_t CudaDevice::hash(const Buffer& buffer) {
  const std::span<uint64_t> parts = items_in<uint64_t>(context_.pinned());
  context_.launch(kernels_.hash_memory, {kHashBlocks}, address_of(buffer.data()), buffer.bytes(),
                  parts.data());
  context_.synchronize("hashing a tensor");
  uint64_t sum = buffer.bytes();
  for (unsigned block = 0; block < kHashBlocks; ++block) sum += parts[block];
  return mix64(sum);
}

std::vector<float> CudaDevice::read_rows(const Buffer& buffer, Dtype dtype,
                                         std::span<const int64_t> first_elements, int64_t columns) {
  const size_t half = context_.pinned().size() / 2;
  const std::span<int64_t> first_bytes = items_in<int64_t>(context_.pinned().first(half));
  const std::span<std::byte> rows = context_.pinned().subspan(half);
  const int64_t row_bytes = columns * bytes_of(dtype);
  const size_t rows_at_once = std::min(first_bytes.size(), half / static_cast<size_t>(row_bytes));
  assert(rows_at_once > 0);
  std::vector<float> values(first_elements.size() * static_cast<size_t>(columns));
  std::span<float> rest = values;
  for (size_t first = 0; first < first_elements.size(); first += rows_at_once) {
    const size_t count = std::min(rows_at_once, first_elements.size() - first);
    for (size_t i = 0; i < count; ++i) {
      first_bytes[i] = first_elements[first + i] * bytes_of(dtype);
    }
    context_.launch(kernels_.gather_rows, {static_cast<unsigned>(count)}, address_of(buffer.data()),
                    first_bytes.data(), row_bytes, rows.data());
    context_.synchronize("reading rows");
    const std::span<float> now = rest.first(count * static_cast<size_t>(columns));
    to_float(dtype, rows.first(count * static_cast<size_t>(row_bytes)), now);
    rest = rest.subspan(now.size());
  }
  return values;
}

CuFunction CudaDevice::sum_kernel(Dtype dtype) const {
  if (dtype == Dtype::fp16) return kernels_.sum_columns_fp16;
  return dtype == Dtype::bf16 ? kernels_.sum_columns_bf16 : kernels_.sum_columns_fp32;
}

std::vector<double> CudaDevice::column_sums(const Buffer& buffer, Dtype dtype,
                                            std::span<const RowBlock> blocks) {
  const size_t half = context_.pinned().size() / 2;
  const std::span<SumTask> tasks = items_in<SumTask>(context_.pinned().first(half));
  const std::span<double> sums = items_in<double>(context_.pinned().subspan(half));
  std::vector<double> all;
  for (size_t next = 0; next < blocks.size();) {
    size_t count = 0;
    int64_t columns = 0, widest = 0;
    for (; next < blocks.size() && count < tasks.size(); ++next, ++count) {
      const RowBlock& block = blocks[next];
      if (static_cast<size_t>(columns + block.columns) > sums.size()) break;
      tasks[count] = {block.first_element, block.rows, block.row_stride, block.columns, columns};
      columns += block.columns;
      widest = std::max(widest, block.columns);
    }
    assert(count > 0);
    const CudaGrid grid = {static_cast<unsigned>(count), static_cast<unsigned>((widest + 31) / 32),
                           32, 32};
    context_.launch(sum_kernel(dtype), grid, address_of(buffer.data()), tasks.data(), sums.data());
    context_.synchronize("summing columns");
    all.insert(all.end(), sums.begin(), sums.begin() + columns);
  }
  return all;
}

}  // namespace attnbench
