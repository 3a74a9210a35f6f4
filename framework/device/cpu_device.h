// The processor as a device: tensors in anonymous memory, the steady clock as stopwatch, cache
// lines flushed by address. Threads are not pinned: a provider's own threads inherit the caller's
// cpuset, so pinning the caller would take their cores away.
#pragma once

#include <sys/resource.h>

#include <chrono>

#include "device/open_device.h"

namespace attnbench {

class CpuDevice final : public Device {
 public:
  CpuDevice();

  const attn_device& identity() const override { return identity_.facts; }
  DeviceFacts facts() override;
  void* stream() const override { return nullptr; }
  void synchronize() override {}

  Buffer allocate(uint64_t bytes, uint64_t alignment) override;
  uint64_t free_bytes() const override;
  uint64_t bytes_in_use() const override;

  void fill_input(const Buffer& buffer, const TensorLayout& layout,
                  const InputSource& source) override;
  void poison(const Buffer& buffer) override;
  void set_guards(const Buffer& buffer) override;
  GuardDamage find_guard_damage(const Buffer& buffer) override;
  uint64_t hash(const Buffer& buffer) override;
  std::vector<float> read_rows(const Buffer& buffer, Dtype dtype,
                               std::span<const int64_t> first_elements, int64_t columns) override;
  std::vector<double> column_sums(const Buffer& buffer, Dtype dtype,
                                  std::span<const RowBlock> blocks) override;

  void evict_cache(std::span<const Buffer* const> buffers) override;
  void start_timer(size_t timer) override;
  void stop_timer(size_t timer) override;
  double elapsed_ms(size_t timer) override;
  void record(const std::function<void()>& queue_work) override { recording_ = queue_work; }
  void replay() override { recording_(); }
  void forget_recording() override { recording_ = nullptr; }
  void begin_state() override;
  std::string end_state() override;

 private:
  struct Timer {
    std::chrono::steady_clock::time_point start, stop;
  };
  void deallocate(std::byte* base, uint64_t span_bytes) noexcept override;

  DeviceIdentity identity_;
  std::vector<Timer> timers_;
  std::function<void()> recording_;
  rusage usage_at_begin_{};
};

}  // namespace attnbench
