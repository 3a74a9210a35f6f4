// Any bytes from the other end of the control descriptor: a ProtocolError or a message, never
// anything else, and a message survives being sent on. The input is read twice: as a stream of
// frames, and, since lengths are hard to guess, as the JSON of a single frame.
#include "fuzz/fuzz.h"
#include "protocol/messages.h"

namespace attnbench {
namespace {

template <typename Message>
void read_as(const Envelope& envelope) {
  if (envelope.name != name_of<Message>()) return;
  const Frame sent = to_frame(message_from<Message>(envelope), envelope.sequence);
  try {
    const Frame again = to_frame(message_from<Message>(open_frame(sent)), envelope.sequence);
    require(again.json == sent.json, "a message survives the wire", sent.json);
  } catch (const ProtocolError& error) {
    require(false, "what to_frame writes can be read", error.what() + ("\n" + sent.json));
  }
}

template <typename... Messages>
void read_as_any(const Envelope& envelope) {
  (read_as<Messages>(envelope), ...);
}

void open(Frame frame) {
  read_as_any<HelloRequest, DescribeRequest, OpenRequest, BeginCaseRequest, PrepareRequest,
              RunOnceRequest, RowsRequest, SumsRequest, BurstRequest, CheckRequest, ReleaseRequest,
              EndCaseRequest, ByeRequest, Failure, HelloReply, DescribeReply, OpenReply,
              BeginCaseReply, PrepareReply, RunOnceReply, BurstReply, CheckReply, Done, PhaseEvent,
              LogEvent>(open_frame(std::move(frame)));
}

void read_stream(const uint8_t* data, size_t size) {
  FrameDecoder decoder;
  // In two parts, since a frame arrives in as many as it likes.
  decoder.feed(data, size / 2);
  while (std::optional<Frame> frame = decoder.next()) open(std::move(*frame));
  decoder.feed(data + size / 2, size - size / 2);
  while (std::optional<Frame> frame = decoder.next()) open(std::move(*frame));
}

}  // namespace
}  // namespace attnbench

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace attnbench;
  try {
    open({std::string(reinterpret_cast<const char*>(data), size), {}});
  } catch (const ProtocolError&) {
  }
  try {
    read_stream(data, size);
  } catch (const ProtocolError&) {
  }
  return 0;
}
