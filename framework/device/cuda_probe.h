// What `attnbench validate` wants to know of a GPU behind a provider's back, and a run never: does
// work queue up behind other work, is a context current, what did a call do that it must not?
//
// The lesson: the driver tells on whoever asks it to capture. While any stream captures, it refuses
// what could not be captured, and spoils the capture. So a capture of nothing, on a stream that
// nobody else knows, is a trap for calls that leave no other trace.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "device/cuda_device.h"

namespace attnbench {

// Whether somebody has made the GPU's primary context in this process.
bool has_primary_context(int ordinal);

// What the driver refuses while it is watched.
enum class Watched {
  default_stream,  // any use of the legacy default stream, also by calls that copy or wait
  unsafe_calls     // calls of this thread that allocate, free or wait
};

class CudaProbe {
 public:
  explicit CudaProbe(CudaDevice& device) : context_(device.context()) {}

  // Keeps the device's stream busy; what comes behind it waits.                         [queued]
  void hold(double milliseconds) const;
  bool is_busy() const;  // has that stream work left?
  // Names the context that is current on this thread; no two are called alike.
  std::string current_context() const;
  // Does `work`; what the driver said to what is watched, or nothing.
  std::string watch(Watched watched, const std::function<void()>& work) const;
  // All of the GPU's free memory but `spare_bytes` and less than 64 KiB, the largest pieces first.
  std::vector<CudaMemory> take_memory_but(size_t spare_bytes) const;

 private:
  const CudaContext& context_;
};

}  // namespace attnbench
