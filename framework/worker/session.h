// What the worker knows between two requests: the loaded provider, its instance, the case at hand
// and the trials prepared in it. One handle() per request; each returns the reply or throws.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "worker/channel.h"
#include "worker/host_table.h"
#include "worker/prepared_trial.h"

namespace attnbench {

// A reply whose numbers travel as bytes: Done with a payload.
struct Numbers {
  std::vector<std::byte> bytes;
};

class Session {
 public:
  explicit Session(Channel& channel) : channel_(channel) {}

  HelloReply handle(const HelloRequest& request);
  DescribeReply handle(const DescribeRequest& request);
  InspectReply handle(const InspectRequest&);
  OpenReply handle(const OpenRequest& request);
  BeginCaseReply handle(const BeginCaseRequest& request);
  PrepareReply handle(const PrepareRequest& request);
  RunOnceReply handle(const RunOnceRequest& request);
  Numbers handle(const RowsRequest& request);
  Numbers handle(const SumsRequest& request);
  BurstReply handle(const BurstRequest& request);
  CheckReply handle(const CheckRequest& request);
  Done handle(const ReleaseRequest& request);
  Done handle(const EndCaseRequest& request);
  ContractReply handle(const ContractRequest& request);
  Done handle(const ByeRequest& request);

  // False: nothing that comes after can be right, and this process must be replaced.
  bool is_device_healthy() { return device_ == nullptr || device_->is_healthy(); }

 private:
  PreparedTrial& trial(const std::string& id);
  CaseTensors& tensors();

  Channel& channel_;
  // In the order in which they need each other; destroyed from the end.
  std::unique_ptr<ProviderLibrary> library_;
  std::unique_ptr<Device> device_;
  std::unique_ptr<HostTable> host_;
  std::unique_ptr<Instance> instance_;
  std::unique_ptr<CaseTensors> tensors_;
  std::map<std::string, std::unique_ptr<PreparedTrial>> trials_;
};

}  // namespace attnbench
