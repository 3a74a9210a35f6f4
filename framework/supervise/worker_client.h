// A worker as typed calls: one request, one reply. Deadlines follow the phases that the worker
// announces; log lines go to its log; everything unexpected is a Death.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "protocol/messages.h"
#include "supervise/worker_process.h"

namespace attnbench {

// Thrown out of a call when the run's stop flag is set, so that Ctrl-C ends even a compilation of
// minutes. Caught in run(); by then the destructors have ended the workers.
struct StopRequested {};

template <typename Reply>
using Answer = std::variant<Reply, Failure, Death>;

// Which reply belongs to which request: the protocol's grammar, checked by the compiler.
template <typename Request>
struct ReplyTo {
  using Type = Done;
};
template <>
struct ReplyTo<HelloRequest> {
  using Type = HelloReply;
};
template <>
struct ReplyTo<DescribeRequest> {
  using Type = DescribeReply;
};
template <>
struct ReplyTo<InspectRequest> {
  using Type = InspectReply;
};
template <>
struct ReplyTo<OpenRequest> {
  using Type = OpenReply;
};
template <>
struct ReplyTo<BeginCaseRequest> {
  using Type = BeginCaseReply;
};
template <>
struct ReplyTo<PrepareRequest> {
  using Type = PrepareReply;
};
template <>
struct ReplyTo<RunOnceRequest> {
  using Type = RunOnceReply;
};
template <>
struct ReplyTo<BurstRequest> {
  using Type = BurstReply;
};
template <>
struct ReplyTo<CheckRequest> {
  using Type = CheckReply;
};
template <>
struct ReplyTo<ContractRequest> {
  using Type = ContractReply;
};

class WorkerClient {
 public:
  // Spawns a worker; the first call must be hello(). `stop` may be set by a signal handler.
  WorkerClient(const WorkerSettings& settings, const std::string& log_name,
               const std::atomic<bool>& stop);

  Answer<HelloReply> hello();  // also refuses a worker of another protocol version

  template <typename Request>
  Answer<typename ReplyTo<Request>::Type> call(const Request& request) {
    std::variant<Envelope, Failure, Death> answer = exchange(to_frame(request, ++sequence_));
    if (Failure* failure = std::get_if<Failure>(&answer)) return std::move(*failure);
    if (Death* death = std::get_if<Death>(&answer)) return std::move(*death);
    try {
      return message_from<typename ReplyTo<Request>::Type>(std::get<Envelope>(answer));
    } catch (const ProtocolError& error) {
      return process_.fail_protocol(error.what(), phase_);
    }
  }
  // Replies whose numbers come as payload; `count` is how many there must be.
  Answer<std::vector<float>> rows(const RowsRequest& request, size_t count);
  Answer<std::vector<double>> sums(const SumsRequest& request, size_t count);

  // One call of the trial at hand, as far as known: the deadline of `execute` grows with it.
  void expect_execute_seconds(double estimate_s) { execute_estimate_s_ = estimate_s; }

  bool is_alive() const { return process_.is_alive(); }
  int pid() const { return process_.pid(); }
  uint64_t printed_bytes() const { return process_.printed_bytes(); }
  int children() const { return process_.children(); }
  const std::filesystem::path& log_path() const { return process_.log_path(); }
  void end() { process_.end(); }

 private:
  std::variant<Envelope, Failure, Death> exchange(const Frame& request);
  template <typename Number, typename Request>
  Answer<std::vector<Number>> numbers(const Request& request, size_t count);
  WorkerProcess::TimePoint deadline() const;  // of phase_, from now on

  Deadlines deadlines_;
  const std::atomic<bool>& stop_;
  WorkerProcess process_;
  uint64_t sequence_ = 0;
  Phase phase_ = Phase::start;
  double execute_estimate_s_ = 0.0;
};

}  // namespace attnbench
