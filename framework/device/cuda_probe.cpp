#include "device/cuda_probe.h"

#include <fmt/format.h>

#include "device/device.h"

namespace attnbench {
namespace {

// Values of cuda.h. A stream that does not block is none of the default stream's business.
constexpr unsigned kStreamBlocking = 0, kStreamNonBlocking = 1;
constexpr int kCaptureThreadLocal = 1, kCaptureRelaxed = 2;
constexpr size_t kSmallestPiece = 64 << 10;

class Stream {
 public:
  Stream(const CudaDriver& driver, unsigned flags) : driver_(driver) {
    driver_.check(driver_.cuStreamCreate(&stream_, flags), "making a stream to capture on");
  }
  ~Stream() { driver_.cuStreamDestroy(stream_); }
  Stream(const Stream&) = delete;  // owns a stream
  Stream& operator=(const Stream&) = delete;
  CuStream get() const { return stream_; }

 private:
  const CudaDriver& driver_;
  CuStream stream_ = nullptr;
};

}  // namespace

bool has_primary_context(int ordinal) {
  const CudaDriver driver;
  CuDevice device = 0;
  unsigned flags = 0;
  int is_active = 0;
  driver.check(driver.cuDeviceGet(&device, ordinal), "opening a GPU");
  driver.check(driver.cuDevicePrimaryCtxGetState(device, &flags, &is_active),
               "asking for a GPU's context");
  return is_active != 0;
}

void CudaProbe::hold(double milliseconds) const {
  context_.launch(context_.kernel("spin"), {1, 1, 1, 1}, static_cast<uint64_t>(milliseconds * 1e6));
}

bool CudaProbe::is_busy() const {
  return context_.driver().cuStreamQuery(context_.stream()) == kCudaNotReady;
}

std::string CudaProbe::current_context() const {
  CuContext current = nullptr;
  const CudaDriver& driver = context_.driver();
  driver.check(driver.cuCtxGetCurrent(&current), "asking which context is current");
  return current == nullptr ? "none" : fmt::format("{}", fmt::ptr(current));
}

std::string CudaProbe::watch(Watched watched, const std::function<void()>& work) const {
  const CudaDriver& driver = context_.driver();
  const bool is_default_stream = watched == Watched::default_stream;
  const Stream trap(driver, is_default_stream ? kStreamBlocking : kStreamNonBlocking);
  driver.check(driver.cuStreamBeginCapture(
                   trap.get(), is_default_stream ? kCaptureRelaxed : kCaptureThreadLocal),
               "beginning to capture nothing");
  work();
  CuGraph nothing = nullptr;
  const CuResult result = driver.cuStreamEndCapture(trap.get(), &nothing);
  if (nothing != nullptr) driver.cuGraphDestroy(nothing);
  return result == kCudaSuccess ? "" : driver.text_of(result);
}

std::vector<CudaMemory> CudaProbe::take_memory_but(size_t spare_bytes) const {
  const CudaDriver& driver = context_.driver();
  CudaMemory spare;  // freed at the end
  if (spare_bytes > 0) spare = CudaMemory(driver, spare_bytes);
  std::vector<CudaMemory> taken;
  size_t free_bytes = 0, total_bytes = 0;
  driver.check(driver.cuMemGetInfo(&free_bytes, &total_bytes), "asking for free memory");
  size_t bytes = 1;
  while (bytes < free_bytes) bytes *= 2;
  for (; bytes >= kSmallestPiece; bytes /= 2) {
    try {
      while (true) taken.emplace_back(driver, bytes);
    } catch (const OutOfDeviceMemory&) {  // so smaller pieces
    }
  }
  return taken;
}

}  // namespace attnbench
