#include "worker/session.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "base/error.h"
#include "device/inspect.h"
#include "device/open_device.h"
#include "provider/call_failure.h"
#include "worker/burst.h"
#include "worker/checks.h"
#include "worker/contract.h"
#include "worker/describe.h"
#include "worker/do_bench.h"
#include "worker/rows.h"

namespace attnbench {
namespace {

[[noreturn]] void out_of_order(const std::string& message) {
  throw CallFailure(Outcome::internal_error, "out-of-order", message);
}

template <typename Number>
Numbers numbers_of(const std::vector<Number>& values) {
  const std::byte* bytes = reinterpret_cast<const std::byte*>(values.data());
  return {{bytes, bytes + values.size() * sizeof(Number)}};
}

std::unique_ptr<ProviderLibrary> load(const std::string& path) {
  try {
    return std::make_unique<ProviderLibrary>(path);
  } catch (const LibraryError& error) {
    std::string detail(enum_to_text(kLibraryStates, error.state));
    std::replace(detail.begin(), detail.end(), '_', '-');
    throw CallFailure(Outcome::load_failed, detail, error.what());
  }
}

std::unique_ptr<Device> opened(const std::string& device) {
  try {
    return open_device(device);
  } catch (const Error& error) {
    throw CallFailure(Outcome::init_failed, "no-device", error.line());
  } catch (const OutOfDeviceMemory& error) {
    throw CallFailure(Outcome::init_failed, "device-memory", error.what());
  }
}

double milliseconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

}  // namespace

HelloReply Session::handle(const HelloRequest&) {
  return {kProtocolVersion, getpid()};
}

DescribeReply Session::handle(const DescribeRequest& request) {
  return describe_library(request, channel_);
}

InspectReply Session::handle(const InspectRequest&) {
  channel_.enter(Phase::allocate);  // a driver that nobody uses takes seconds to start
  return {inspect_cuda()};
}

OpenReply Session::handle(const OpenRequest& request) {
  if (instance_ != nullptr) out_of_order("a worker opens one provider, once");
  channel_.enter(Phase::allocate);  // a GPU's context takes seconds where nobody else holds one
  device_ = opened(request.device);
  const DeviceFacts facts = device_->facts();

  channel_.enter(Phase::load);
  library_ = load(request.path);
  const attn_provider_desc* desc = library_->find(request.provider);
  if (desc == nullptr) {
    throw CallFailure(Outcome::load_failed, "no-such-provider",
                      fmt::format("{} holds no provider \"{}\"", request.path, request.provider));
  }
  channel_.enter(Phase::probe);
  const Usability usable = library_->probe(desc->id, device_->identity(), request.device);
  if (usable.score == 0) {
    throw CallFailure(Outcome::unsupported, "not-usable-here", usable.reason);
  }
  channel_.enter(Phase::create);
  const int threads = request.threads > 0 ? request.threads : facts.threads;
  std::map<std::string, std::string> settings = {{"threads", std::to_string(threads)}};
  if (!request.cache_dir.empty()) settings["cache_dir"] = request.cache_dir;
  host_ = std::make_unique<HostTable>(channel_, std::move(settings));
  instance_ = std::make_unique<Instance>(*library_, *desc, device_->identity(), host_->get());
  return {facts};
}

BeginCaseReply Session::handle(const BeginCaseRequest& request) {
  if (instance_ == nullptr) out_of_order("begin_case needs an open provider");
  if (tensors_ != nullptr) out_of_order("the last case has not ended");
  check_problem(request.problem);
  channel_.enter(Phase::allocate);
  tensors_ = std::make_unique<CaseTensors>(*device_, request.problem, request.seed);
  return {tensors_->tensor_bytes()};
}

PrepareReply Session::handle(const PrepareRequest& request) {
  CaseTensors& case_tensors = tensors();
  if (trials_.contains(request.trial_id)) out_of_order("the trial is prepared already");
  const std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
  std::unique_ptr<PreparedTrial> prepared = std::make_unique<PreparedTrial>(
      *device_, *instance_, case_tensors, request.options, channel_);
  const double prepare_ms = milliseconds_since(start);
  const PlanFacts facts = prepared->facts();
  trials_.emplace(request.trial_id, std::move(prepared));
  return {prepare_ms, facts};
}

RunOnceReply Session::handle(const RunOnceRequest& request) {
  PreparedTrial& prepared = trial(request.trial_id);
  if (request.variant != 0 && request.variant != 1) out_of_order("variants are 0 and 1");
  prepared.begin_memory_watch();
  prepared.use_variant(request.variant);
  prepared.poison_outputs();
  channel_.enter(Phase::execute);
  const std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
  prepared.run();
  device_->synchronize();
  const double elapsed_ms = milliseconds_since(start);
  prepared.end_memory_watch();
  prepared.note_harm();
  return {elapsed_ms};
}

Numbers Session::handle(const RowsRequest& request) {
  trial(request.trial_id);
  return numbers_of(read_rows(*device_, tensors(), request.rows));
}

Numbers Session::handle(const SumsRequest& request) {
  trial(request.trial_id);
  return numbers_of(sum_rows(*device_, tensors(), request.role));
}

BurstReply Session::handle(const BurstRequest& request) {
  PreparedTrial& prepared = trial(request.trial_id);
  return request.protocol == Protocol::adaptive ? run_burst(prepared, request, channel_)
                                                : run_do_bench(prepared, request, channel_);
}

CheckReply Session::handle(const CheckRequest& request) {
  return check_trial(trial(request.trial_id));
}

Done Session::handle(const ReleaseRequest& request) {
  trial(request.trial_id);
  channel_.enter(Phase::plan_destroy);
  trials_.erase(request.trial_id);
  return {};
}

Done Session::handle(const EndCaseRequest&) {
  channel_.enter(Phase::plan_destroy);
  trials_.clear();
  tensors_.reset();
  return {};
}

ContractReply Session::handle(const ContractRequest& request) {
  return check_contract(request, channel_);
}

Done Session::handle(const ByeRequest&) {
  handle(EndCaseRequest{});
  channel_.enter(Phase::destroy);
  instance_.reset();
  return {};
}

PreparedTrial& Session::trial(const std::string& id) {
  const auto found = trials_.find(id);
  if (found == trials_.end()) out_of_order(fmt::format("no trial \"{}\" is prepared", id));
  return *found->second;
}

CaseTensors& Session::tensors() {
  if (tensors_ == nullptr) out_of_order("no case has begun");
  return *tensors_;
}

}  // namespace attnbench
