#include "supervise/inspect.h"

#include <atomic>

#include "supervise/worker_client.h"

namespace attnbench {
namespace {

template <typename Reply>
const std::string* trouble_in(const Answer<Reply>& answer) {
  if (const Failure* failure = std::get_if<Failure>(&answer)) return &failure->message;
  if (const Death* death = std::get_if<Death>(&answer)) return &death->message;
  return nullptr;
}

Inspection failed(const std::string& trouble) {
  Inspection inspection;
  inspection.driver_trouble = trouble;
  return inspection;
}

}  // namespace

Inspection inspect_machine(const WorkerSettings& settings) {
  const std::atomic<bool> never_stopped = false;
  WorkerClient worker(settings, "inspect", never_stopped);
  const Answer<HelloReply> hello = worker.hello();
  if (const std::string* trouble = trouble_in(hello)) return failed(*trouble);
  const Answer<InspectReply> answer = worker.call(InspectRequest{});
  if (const std::string* trouble = trouble_in(answer)) return failed(*trouble);
  return std::get<InspectReply>(answer).inspection;
}

}  // namespace attnbench
