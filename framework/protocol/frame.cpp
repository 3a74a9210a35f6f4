#include "protocol/frame.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace attnbench {
namespace {

constexpr size_t kHeaderBytes = 8;

void append_u32(std::string& bytes, uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<char>(value >> shift));
}

uint32_t read_u32(const std::byte* bytes) {
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value |= std::to_integer<uint32_t>(bytes[i]) << (8 * i);
  return value;
}

void check_limits(size_t json_bytes, size_t payload_bytes) {
  if (json_bytes > kMaxJsonBytes || payload_bytes > kMaxPayloadBytes) {
    throw ProtocolError(
        fmt::format("a frame of {} + {} bytes is over the limit of {} + {}: the sender is "
                    "broken, or something else writes to the control descriptor",
                    json_bytes, payload_bytes, kMaxJsonBytes, kMaxPayloadBytes));
  }
}

void wait_until_writable(int descriptor) {
  pollfd entry{descriptor, POLLOUT, 0};
  poll(&entry, 1, -1);
}

}  // namespace

std::string encode(const Frame& frame) {
  check_limits(frame.json.size(), frame.payload.size());
  std::string bytes;
  bytes.reserve(kHeaderBytes + frame.json.size() + frame.payload.size());
  append_u32(bytes, static_cast<uint32_t>(frame.json.size()));
  append_u32(bytes, static_cast<uint32_t>(frame.payload.size()));
  bytes += frame.json;
  bytes.append(reinterpret_cast<const char*>(frame.payload.data()), frame.payload.size());
  return bytes;
}

void FrameDecoder::feed(const void* bytes, size_t count) {
  const std::byte* first = static_cast<const std::byte*>(bytes);
  buffer_.insert(buffer_.end(), first, first + count);
}

std::optional<Frame> FrameDecoder::next() {
  if (buffer_.size() < kHeaderBytes) return std::nullopt;
  const size_t json_bytes = read_u32(buffer_.data());
  const size_t payload_bytes = read_u32(buffer_.data() + 4);
  check_limits(json_bytes, payload_bytes);
  const size_t frame_bytes = kHeaderBytes + json_bytes + payload_bytes;
  if (buffer_.size() < frame_bytes) return std::nullopt;

  const std::byte* json = buffer_.data() + kHeaderBytes;
  Frame frame;
  frame.json.assign(reinterpret_cast<const char*>(json), json_bytes);
  frame.payload.assign(json + json_bytes, json + json_bytes + payload_bytes);
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<ptrdiff_t>(frame_bytes));
  return frame;
}

void write_frame(int descriptor, const Frame& frame) {
  const std::string bytes = encode(frame);
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t written = write(descriptor, bytes.data() + done, bytes.size() - done);
    if (written > 0) {
      done += static_cast<size_t>(written);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      wait_until_writable(descriptor);
    } else if (errno != EINTR) {
      throw ProtocolError(
          fmt::format("cannot write to descriptor {}: {}", descriptor, std::strerror(errno)));
    }
  }
}

}  // namespace attnbench
