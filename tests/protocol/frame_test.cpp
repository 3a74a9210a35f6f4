#include "protocol/frame.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <csignal>

#include <thread>

#include "support/catch.h"

using namespace attnbench;

namespace {

Frame sample_frame() {
  return {R"({"a":1})", {std::byte{0x00}, std::byte{0xff}, std::byte{0x7f}}};
}

bool equal(const Frame& a, const Frame& b) {
  return a.json == b.json && a.payload == b.payload;
}

}  // namespace

TEST_CASE("a frame that arrives byte by byte comes out whole and once", "[protocol]") {
  const std::string bytes = encode(sample_frame());
  FrameDecoder decoder;
  for (size_t i = 0; i + 1 < bytes.size(); ++i) {
    decoder.feed(&bytes[i], 1);
    REQUIRE_FALSE(decoder.next());
    REQUIRE(decoder.has_partial_frame());
  }
  decoder.feed(&bytes.back(), 1);
  const std::optional<Frame> frame = decoder.next();
  REQUIRE(frame);
  CHECK(equal(*frame, sample_frame()));
  CHECK_FALSE(decoder.next());
  CHECK_FALSE(decoder.has_partial_frame());
}

TEST_CASE("frames that arrive in one piece come out one after the other", "[protocol]") {
  const Frame second{"{}", {}};
  const std::string bytes = encode(sample_frame()) + encode(second) + "tail";
  FrameDecoder decoder;
  decoder.feed(bytes.data(), bytes.size());
  CHECK(equal(decoder.next().value(), sample_frame()));
  CHECK(equal(decoder.next().value(), second));
  CHECK_FALSE(decoder.next());
  CHECK(decoder.has_partial_frame());
}

TEST_CASE("a header over the limits is refused before its bytes are waited for", "[protocol]") {
  const std::string garbage = "this is no frame at all";
  FrameDecoder decoder;
  decoder.feed(garbage.data(), 7);
  CHECK_FALSE(decoder.next());
  decoder.feed(garbage.data() + 7, 1);
  CHECK_THROWS_AS(decoder.next(), ProtocolError);
}

TEST_CASE("a frame over the limits is never sent", "[protocol]") {
  CHECK_THROWS_AS(encode({std::string(kMaxJsonBytes + 1, ' '), {}}), ProtocolError);
}

TEST_CASE("writing to a closed end is a ProtocolError, not a signal's death", "[protocol]") {
  signal(SIGPIPE, SIG_IGN);
  int ends[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  close(ends[1]);
  CHECK_THROWS_AS(write_frame(ends[0], sample_frame()), ProtocolError);
  close(ends[0]);
}

TEST_CASE("a frame larger than the socket's buffer is written whole", "[protocol]") {
  int ends[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  REQUIRE(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
  const Frame large{"{}", std::vector<std::byte>(8u << 20, std::byte{0x5a})};
  std::jthread writer([&] { write_frame(ends[0], large); });
  FrameDecoder decoder;
  std::vector<char> bytes(100'000);
  std::optional<Frame> frame;
  while (!frame) {
    const ssize_t count = read(ends[1], bytes.data(), bytes.size());
    REQUIRE(count > 0);
    decoder.feed(bytes.data(), static_cast<size_t>(count));
    frame = decoder.next();
  }
  CHECK(frame->payload == large.payload);
  writer.join();
  close(ends[0]);
  close(ends[1]);
}
