#include "supervise/worker_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace attnbench {
namespace {

// The stop flag is looked at this often; a signal that lands on this thread wakes it at once.
constexpr std::chrono::milliseconds kStopInterval{250};

}  // namespace

WorkerClient::WorkerClient(const WorkerSettings& settings, const std::string& log_name,
                           const std::atomic<bool>& stop)
    : deadlines_(settings.deadlines), stop_(stop), process_(settings, log_name) {}

Answer<HelloReply> WorkerClient::hello() {
  Answer<HelloReply> answer = call(HelloRequest{});
  const HelloReply* reply = std::get_if<HelloReply>(&answer);
  if (reply == nullptr || reply->protocol_version == kProtocolVersion) return answer;
  return process_.fail_protocol(
      fmt::format("the worker speaks protocol {}, this attnbench {}: build both from one source",
                  reply->protocol_version, kProtocolVersion),
      Phase::start);
}

WorkerProcess::TimePoint WorkerClient::deadline() const {
  const std::chrono::duration<double> allowed(deadline_s(deadlines_, phase_, execute_estimate_s_));
  return std::chrono::steady_clock::now() +
         std::chrono::duration_cast<std::chrono::steady_clock::duration>(allowed);
}

// Only a phase moves the deadline: a provider that hangs while it logs is still a hang.
std::variant<Envelope, Failure, Death> WorkerClient::exchange(const Frame& request) {
  phase_ = sequence_ == 1 ? Phase::start : Phase::idle;
  WorkerProcess::TimePoint until = deadline();
  if (std::optional<Death> death = process_.send(request, phase_, until)) return std::move(*death);
  for (;;) {
    if (stop_.load()) throw StopRequested{};
    const WorkerProcess::TimePoint next_look =
        std::min(until, std::chrono::steady_clock::now() + kStopInterval);
    std::variant<Frame, WorkerProcess::Quiet, Death> received = process_.receive(phase_, next_look);
    if (Death* death = std::get_if<Death>(&received)) return std::move(*death);
    if (std::holds_alternative<WorkerProcess::Quiet>(received)) {
      if (std::chrono::steady_clock::now() >= until) return process_.fail_deadline(phase_);
      continue;
    }
    try {
      Envelope envelope = open_frame(std::get<Frame>(std::move(received)));
      if (envelope.name == name_of<PhaseEvent>()) {
        phase_ = message_from<PhaseEvent>(envelope).phase;
        until = deadline();
      } else if (envelope.name == name_of<LogEvent>()) {
        process_.log(message_from<LogEvent>(envelope).text);
        if (std::chrono::steady_clock::now() >= until) return process_.fail_deadline(phase_);
      } else if (envelope.sequence != sequence_) {
        return process_.fail_protocol(
            fmt::format("reply {} to request {}", envelope.sequence, sequence_), phase_);
      } else if (envelope.name == name_of<Failure>()) {
        Failure failure = message_from<Failure>(envelope);
        if (failure.is_poisoned) process_.end();
        return failure;
      } else {
        return envelope;
      }
    } catch (const ProtocolError& error) {
      return process_.fail_protocol(error.what(), phase_);
    }
  }
}

template <typename Number, typename Request>
Answer<std::vector<Number>> WorkerClient::numbers(const Request& request, size_t count) {
  std::variant<Envelope, Failure, Death> answer = exchange(to_frame(request, ++sequence_));
  if (Failure* failure = std::get_if<Failure>(&answer)) return std::move(*failure);
  if (Death* death = std::get_if<Death>(&answer)) return std::move(*death);
  const std::vector<std::byte>& payload = std::get<Envelope>(answer).payload;
  if (payload.size() != count * sizeof(Number)) {
    return process_.fail_protocol(fmt::format("{} bytes of numbers, {} were asked for",
                                              payload.size(), count * sizeof(Number)),
                                  phase_);
  }
  std::vector<Number> values(count);
  if (count > 0) std::memcpy(values.data(), payload.data(), payload.size());
  return values;
}

Answer<std::vector<float>> WorkerClient::rows(const RowsRequest& request, size_t count) {
  return numbers<float>(request, count);
}

Answer<std::vector<double>> WorkerClient::sums(const SumsRequest& request, size_t count) {
  return numbers<double>(request, count);
}

}  // namespace attnbench
