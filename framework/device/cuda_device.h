// A GPU as a device: tensors between guard bands in device memory, one stream that everything is
// queued on, pairs of events as stopwatches, the L2 cache flushed by writing twice its size.
//
// The lesson: a time is right only if the GPU never waits for the host between the two events. So
// the queue is kept ahead of it: where the GPU has caught up, a kernel that only spins goes in
// front, and where it caught up all the same, the sample is counted as late in the burst's state.
#pragma once

#include <array>
#include <chrono>
#include <optional>

#include "device/cuda_context.h"
#include "device/nvml.h"
#include "device/open_device.h"

namespace attnbench {

class CudaDevice final : public Device {
 public:
  explicit CudaDevice(int ordinal);  // throws Error, DeviceError or OutOfDeviceMemory
  ~CudaDevice() override;

  const CudaContext& context() const { return context_; }

  const attn_device& identity() const override { return identity_.facts; }
  DeviceFacts facts() override;
  void* stream() const override { return context_.stream(); }
  void synchronize() override;
  bool is_healthy() override;
  bool heat_up() override;

  Buffer allocate(uint64_t bytes, uint64_t alignment) override;
  uint64_t free_bytes() const override;
  // Of the whole GPU: right as long as nobody else works on it, which the host sees to.
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
  void record(const std::function<void()>& queue_work) override;
  void replay() override;
  void forget_recording() override;
  void begin_state() override;
  std::string end_state() override;

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;
  struct Timer {
    CuEvent start = nullptr, stop = nullptr;
    SteadyTime started;
  };
  // The table of a law, kept on the GPU from one fill to the next.
  struct Law {
    std::vector<std::byte> table;
    CudaMemory memory;
  };
  struct Kernels {
    CuFunction fill_16bit, fill_32bit, write_guards, count_guard_damage, hash_memory, gather_rows,
        sum_columns_fp16, sum_columns_bf16, sum_columns_fp32, flush_cache, spin, heat;
  };
  struct Launches {  // of the burst at hand
    std::vector<double> host_us;
    int late = 0;
  };

  void deallocate(std::byte* base, uint64_t span_bytes) noexcept override;
  CuAddress table_on_gpu(const InputSource& source, Role role);
  CuFunction sum_kernel(Dtype dtype) const;
  void add_timers(size_t count);
  void keep_ahead();
  double power_of_heating_w();

  DeviceIdentity identity_;
  CudaContext context_;
  Kernels kernels_;
  std::string nvml_trouble_;
  std::optional<Nvml> nvml_;
  std::optional<GpuWatch> watch_;
  std::array<Law, 2> laws_;  // of the bias, of all others
  CudaMemory flush_;
  uint64_t flush_bytes_ = 0;
  uint32_t flushes_ = 0;
  std::vector<Timer> timers_;
  CuGraphExec recording_ = nullptr;
  Launches launches_;
  SteadyTime last_busy_{};
  SteadyTime busy_since_{};      // without a pause worth the name
  double busy_before_ms_ = 0.0;  // the first sample of the burst at hand
  double settled_power_w_ = 0.0;
  double heated_ms_ = 0.0;
};

}  // namespace attnbench
