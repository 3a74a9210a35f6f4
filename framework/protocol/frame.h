// How a message lies on the wire between host and worker: two little-endian u32 (bytes of JSON,
// bytes of payload), then the JSON object, then the payload. The payload carries numbers that JSON
// cannot (NaN, -inf) or should not (rows of tensors). Nobody else may write to this descriptor:
// whatever does not parse is a ProtocolError, which the host turns into the outcome protocol_error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace attnbench {

inline constexpr uint32_t kMaxJsonBytes = 16u << 20;
inline constexpr uint32_t kMaxPayloadBytes = 256u << 20;
inline constexpr int kControlDescriptor = 3;  // of the worker

struct Frame {
  std::string json;
  std::vector<std::byte> payload;
};

class ProtocolError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The frame as bytes. Throws ProtocolError if it is over the limits.
std::string encode(const Frame& frame);

// Collects bytes as they arrive and hands out whole frames. Pure: no descriptor, so it can be
// fuzzed.
class FrameDecoder {
 public:
  void feed(const void* bytes, size_t count);
  std::optional<Frame> next();  // throws ProtocolError on a header over the limits
  bool has_partial_frame() const { return !buffer_.empty(); }

 private:
  std::vector<std::byte> buffer_;
};

// Blocking, whole frame; throws ProtocolError on a closed or broken descriptor.
void write_frame(int descriptor, const Frame& frame);

}  // namespace attnbench
