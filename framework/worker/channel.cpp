#include "worker/channel.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <exception>

namespace attnbench {

std::optional<Envelope> Channel::receive() {
  for (;;) {
    if (std::optional<Frame> frame = decoder_.next()) {
      Envelope envelope = open_frame(std::move(*frame));
      sequence_ = envelope.sequence;
      return envelope;
    }
    std::byte bytes[1 << 16];
    const ssize_t count = read(descriptor_, bytes, sizeof(bytes));
    if (count > 0) {
      decoder_.feed(bytes, static_cast<size_t>(count));
    } else if (count == 0 || errno == ECONNRESET) {
      return std::nullopt;
    } else if (errno != EINTR) {
      throw ProtocolError(std::string("cannot read requests: ") + std::strerror(errno));
    }
  }
}

void Channel::enter(Phase phase) {
  phase_ = phase;
  send(to_frame(PhaseEvent{phase}, sequence_));
}

void Channel::log(int level, const char* text) noexcept {
  try {
    send(to_frame(LogEvent{level, text == nullptr ? "" : text}, sequence_));
  } catch (const std::exception&) {
    // The host is gone; the request loop will find that out by itself.
  }
}

void Channel::send(const Frame& frame) {
  const std::lock_guard<std::mutex> turn(writing_);
  write_frame(descriptor_, frame);
}

}  // namespace attnbench
