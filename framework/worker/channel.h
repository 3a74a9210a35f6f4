// The worker's end of the control descriptor: requests in; replies, phases and log lines out. Log
// lines may come from any thread of the provider, so writing takes turns.
#pragma once

#include <mutex>
#include <optional>

#include "protocol/messages.h"

namespace attnbench {

class Channel {
 public:
  explicit Channel(int descriptor) : descriptor_(descriptor) {}

  // The next request; nothing once the host has closed its end. Throws ProtocolError.
  std::optional<Envelope> receive();

  // Tells the host what comes now, so that a death or a hang is blamed on the right call.
  void enter(Phase phase);
  Phase phase() const { return phase_; }

  // Never throws: a provider calls it through the C table.
  void log(int level, const char* text) noexcept;

  // The one reply to the request received last.
  template <typename Message>
  void reply(const Message& message, std::vector<std::byte> payload = {}) {
    send(to_frame(message, sequence_, std::move(payload)));
    phase_ = Phase::idle;
  }

 private:
  void send(const Frame& frame);

  int descriptor_;
  std::mutex writing_;
  FrameDecoder decoder_;
  uint64_t sequence_ = 0;
  Phase phase_ = Phase::idle;
};

}  // namespace attnbench
