#include "worker/server.h"

#include <sys/socket.h>

#include <thread>

#include "worker/stage.h"

using namespace attnbench;

namespace {

// The host's end of a worker that runs as a thread of this process.
class Conversation {
 public:
  Conversation() {
    int ends[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    host_ = Descriptor(ends[0]);
    worker_ = Descriptor(ends[1]);
    host_channel_.emplace(host_.get());
    server_ = std::jthread([this] {
      Channel channel(worker_.get());
      Session session(channel);
      serve(channel, session);
      has_returned_ = true;
    });
  }
  ~Conversation() { host_.close(); }

  // The reply; events on the way are collected.
  template <typename Request>
  Envelope ask(const Request& request) {
    write_frame(host_.get(), to_frame(request, ++sequence_));
    for (;;) {
      const Envelope envelope = host_channel_->receive().value();
      if (envelope.name == "phase") {
        phases.push_back(message_from<PhaseEvent>(envelope).phase);
      } else if (envelope.name == "log") {
        logs.push_back(message_from<LogEvent>(envelope).text);
      } else {
        CHECK(envelope.sequence == sequence_);
        return envelope;
      }
    }
  }
  bool has_returned() {
    server_.join();
    return has_returned_;
  }

  std::vector<Phase> phases;
  std::vector<std::string> logs;

 private:
  Descriptor host_, worker_;
  std::optional<Channel> host_channel_;
  uint64_t sequence_ = 100;
  std::atomic<bool> has_returned_ = false;
  std::jthread server_;
};

}  // namespace

TEST_CASE("each request gets one reply, and each risky call is announced", "[server]") {
  Conversation worker;
  CHECK(message_from<HelloReply>(worker.ask(HelloRequest{})).protocol_version == kProtocolVersion);
  CHECK(worker.phases.empty());

  const OpenReply open =
      message_from<OpenReply>(worker.ask(OpenRequest{WITNESS, "witness", "cpu", "", 3}));
  CHECK(open.device.peak_tflops_fp32.value() > 0.0);
  CHECK(worker.phases ==
        std::vector<Phase>{Phase::allocate, Phase::load, Phase::probe, Phase::create});
  CHECK(worker.logs == std::vector<std::string>{"threads=3"});

  worker.phases.clear();
  worker.ask(BeginCaseRequest{small_problem(), 1});
  CHECK(message_from<PrepareReply>(worker.ask(PrepareRequest{"t", {}})).plan.workspace_bytes ==
        4096);
  CHECK(worker.phases ==
        std::vector<Phase>{Phase::allocate, Phase::supports, Phase::plan_create, Phase::allocate});
  worker.phases.clear();
  worker.ask(RunOnceRequest{"t", 0});
  CHECK(worker.phases == std::vector<Phase>{Phase::execute, Phase::check});
  CHECK(worker.ask(RowsRequest{"t", {{"o", 0, 0, 0}}}).payload.size() == 8 * sizeof(float));

  worker.phases.clear();
  CHECK(worker.ask(ByeRequest{}).name == "done");
  CHECK(worker.phases == std::vector<Phase>{Phase::plan_destroy, Phase::destroy});
  CHECK(worker.has_returned());
}

TEST_CASE("an inspection names every library and loads no provider", "[server]") {
  Conversation worker;
  const Inspection seen = message_from<InspectReply>(worker.ask(InspectRequest{})).inspection;
  REQUIRE(seen.libraries.size() == std::size(kCudaLibraries));
  for (const LibraryInspection& library : seen.libraries) {
    CHECK(library.version.empty() != library.trouble.empty());
  }
  // A driver, or the reason why there is none.
  CHECK(seen.cuda_version.empty() != seen.driver_trouble.empty());
  CHECK(worker.ask(OpenRequest{WITNESS, "witness", "cpu", "", 0}).name == "open_reply");
}

TEST_CASE("a failure is a reply, and the conversation goes on", "[server]") {
  Conversation worker;
  const Failure failure =
      message_from<Failure>(worker.ask(OpenRequest{__FILE__, "witness", "cpu", "", 0}));
  CHECK(failure.phase == Phase::load);
  CHECK(failure.outcome == Outcome::load_failed);
  CHECK(failure.detail == "not-elf");
  const Failure device =
      message_from<Failure>(worker.ask(OpenRequest{WITNESS, "witness", "abacus:0", "", 0}));
  CHECK(device.message.find("abacus:0") != std::string::npos);
  CHECK(worker.ask(OpenRequest{WITNESS, "witness", "cpu", "", 0}).name == "open_reply");
}
