#include "worker/server.h"

#include <fmt/format.h>

#include <new>

#include "base/error.h"
#include "provider/call_failure.h"

namespace attnbench {
namespace {

void reply(Channel& channel, Numbers numbers) {
  channel.reply(Done{}, std::move(numbers.bytes));
}

template <typename Message>
void reply(Channel& channel, const Message& message) {
  channel.reply(message);
}

template <typename Request>
void answer(Channel& channel, Session& session, const Envelope& envelope) {
  reply(channel, session.handle(message_from<Request>(envelope)));
}

struct Route {
  std::string_view request;
  void (*answer)(Channel&, Session&, const Envelope&);
};

template <typename... Requests>
std::vector<Route> routes_of() {
  return {{name_of<Requests>(), &answer<Requests>}...};
}

Failure failure_of(const CallFailure& failure, Phase phase, bool is_healthy) {
  return {phase,
          failure.status,
          failure.detail,
          failure.outcome,
          failure.what(),
          failure.native_domain,
          failure.native_code,
          failure.is_poisoned || !is_healthy};
}

// What a provider queued fails when the next to use the device learns of it; a healthy device that
// refuses is our own mistake.
Failure failure_of(const DeviceError& error, Phase phase, bool is_healthy) {
  return {phase,
          0,
          fmt::format("cuda-{}", error.native_code),
          is_healthy ? Outcome::internal_error : Outcome::execution_failed,
          error.what(),
          ATTN_NATIVE_CUDA_DRIVER,
          error.native_code,
          !is_healthy};
}

Failure own_failure(Phase phase, Outcome outcome, std::string detail, std::string message) {
  return {phase, 0, std::move(detail), outcome, std::move(message), 0, 0, false};
}

void answer_or_fail(const Route& route, Channel& channel, Session& session,
                    const Envelope& envelope) {
  try {
    route.answer(channel, session, envelope);
  } catch (const CallFailure& failure) {
    channel.reply(failure_of(failure, channel.phase(), session.is_device_healthy()));
  } catch (const DeviceError& error) {
    channel.reply(failure_of(error, channel.phase(), session.is_device_healthy()));
  } catch (const OutOfDeviceMemory& error) {
    channel.reply(
        own_failure(channel.phase(), Outcome::out_of_memory, "device-memory", error.what()));
  } catch (const Error& error) {
    channel.reply(
        own_failure(channel.phase(), Outcome::internal_error, "worker-error", error.line()));
  } catch (const std::bad_alloc&) {
    channel.reply(own_failure(channel.phase(), Outcome::out_of_memory, "worker-memory",
                              "the worker itself ran out of memory"));
  }
}

}  // namespace

void serve(Channel& channel, Session& session) {
  const std::vector<Route> routes =
      routes_of<HelloRequest, DescribeRequest, InspectRequest, OpenRequest, BeginCaseRequest,
                PrepareRequest, RunOnceRequest, RowsRequest, SumsRequest, BurstRequest,
                CheckRequest, ReleaseRequest, EndCaseRequest, ContractRequest, ByeRequest>();
  while (const std::optional<Envelope> envelope = channel.receive()) {
    const Route* found = nullptr;
    for (const Route& route : routes) {
      if (route.request == envelope->name) found = &route;
    }
    if (found == nullptr) throw ProtocolError("there is no request \"" + envelope->name + "\"");
    answer_or_fail(*found, channel, session, *envelope);
    if (envelope->name == name_of<ByeRequest>()) return;
  }
}

}  // namespace attnbench
