// A device as the worker sees it: memory with guard bands, the few kernels that checking needs, and
// a stopwatch. A CPU and a GPU differ only behind this interface, so the burst loop is written
// once.
//
// Order is that of one stream. Calls marked [queued] may return before the work is done; everything
// that hands back a value waits for what was queued before it. On a CPU all of it is done at once.
#pragma once

#include <attnbench/provider.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "model/device_facts.h"
#include "tensor/inputs.h"
#include "tensor/layout.h"

namespace attnbench {

class Device;

// The card's power control holds the clocks down for a while after it was heated.
inline constexpr double kAfterHeatMs = 750.0;

class OutOfDeviceMemory : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The device or its driver refused or failed: what was being done, the error's name and text.
class DeviceError : public std::runtime_error {
 public:
  DeviceError(const std::string& what, int code) : std::runtime_error(what), native_code(code) {}
  int native_code;  // the driver's
};

// Bytes of the guard bands around a buffer that are not as they were left.
struct GuardDamage {
  uint64_t bytes_before = 0;
  uint64_t bytes_after = 0;
  bool any() const { return bytes_before + bytes_after > 0; }
};

// Memory that a provider may touch: `bytes()` from `data()` on, between two guard bands.
class Buffer {
 public:
  Buffer() = default;
  Buffer(Device& owner, std::byte* base, uint64_t span_bytes, std::byte* data, uint64_t bytes)
      : owner_(&owner), base_(base), span_bytes_(span_bytes), data_(data), bytes_(bytes) {}
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Buffer();

  std::byte* data() const { return data_; }
  uint64_t bytes() const { return bytes_; }
  std::byte* base() const { return base_; }  // of the guard band in front
  uint64_t span_bytes() const { return span_bytes_; }

 private:
  void swap(Buffer& other) noexcept;

  Device* owner_ = nullptr;
  std::byte* base_ = nullptr;
  uint64_t span_bytes_ = 0;
  std::byte* data_ = nullptr;
  uint64_t bytes_ = 0;
};

// `rows` rows of `columns` contiguous elements, `row_stride` elements apart.
struct RowBlock {
  int64_t first_element = 0;
  int64_t rows = 0;
  int64_t row_stride = 0;
  int64_t columns = 0;
};

class Device {
 public:
  virtual ~Device() = default;

  // What the provider's create() is shown; its name lives as long as the device.
  virtual const attn_device& identity() const = 0;
  // Measures what it must (a CPU's peak takes about 40 ms): call once.
  virtual DeviceFacts facts() = 0;

  virtual void* stream() const = 0;  // a CUstream; nullptr on a CPU
  virtual void synchronize() = 0;
  // False once an error has spoiled the device for this process, as an illegal address does to a
  // CUDA context: only a fresh process helps. Waits for all that was queued, on any stream.
  virtual bool is_healthy() { return true; }
  // Called before each burst. The first time it brings a cold GPU to its power limit; true if it
  // did, and passes should go on for kAfterHeatMs before one is timed. Costs nothing on a CPU.
  virtual bool heat_up() { return false; }

  // Guard bands set, contents undefined. Throws OutOfDeviceMemory.
  virtual Buffer allocate(uint64_t bytes, uint64_t alignment) = 0;
  virtual uint64_t free_bytes() const = 0;
  // What this process holds of the device's memory: what grows from call to call is a leak.
  virtual uint64_t bytes_in_use() const = 0;

  // Writes a tensor's input values as `source` defines them.                            [queued]
  virtual void fill_input(const Buffer& buffer, const TensorLayout& layout,
                          const InputSource& source) = 0;
  virtual void poison(const Buffer& buffer) = 0;  // every byte 0xff: NaN in every dtype [queued]
  virtual void set_guards(const Buffer& buffer) = 0;  // [queued]
  virtual GuardDamage find_guard_damage(const Buffer& buffer) = 0;
  // Of the contents; equal on equal bytes, comparable only on this device.
  virtual uint64_t hash(const Buffer& buffer) = 0;

  // Rows as fp32, one behind the other: `columns` elements from each of `first_elements`.
  virtual std::vector<float> read_rows(const Buffer& buffer, Dtype dtype,
                                       std::span<const int64_t> first_elements,
                                       int64_t columns) = 0;
  // Sums over the rows of each block, in fp64: `columns` numbers a block.
  virtual std::vector<double> column_sums(const Buffer& buffer, Dtype dtype,
                                          std::span<const RowBlock> blocks) = 0;

  // Makes the next pass fetch its tensors from memory.                                  [queued]
  virtual void evict_cache(std::span<const Buffer* const> buffers) = 0;

  // Stopwatches, told apart by a number from 0 on; on a GPU, pairs of events.           [queued]
  virtual void start_timer(size_t timer) = 0;
  virtual void stop_timer(size_t timer) = 0;
  virtual double elapsed_ms(size_t timer) = 0;

  // Keeps what `queue_work` queues instead of doing it, to be queued again as a whole, without the
  // cost of each launch: a CUDA graph. One at a time. Throws DeviceError if the work is not fit.
  virtual void record(const std::function<void()>& queue_work) = 0;
  virtual void replay() = 0;  // [queued]
  virtual void forget_recording() = 0;

  // What the device went through between the two calls, as a JSON object for the record.
  virtual void begin_state() = 0;
  virtual std::string end_state() = 0;

 private:
  friend class Buffer;
  virtual void deallocate(std::byte* base, uint64_t span_bytes) noexcept = 0;
};

inline Buffer::~Buffer() {
  if (owner_ != nullptr) owner_->deallocate(base_, span_bytes_);
}

inline void Buffer::swap(Buffer& other) noexcept {
  std::swap(owner_, other.owner_);
  std::swap(base_, other.base_);
  std::swap(span_bytes_, other.span_bytes_);
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
}

}  // namespace attnbench
