// One long-lived worker per provider and device, kept from case to case; a lost one is replaced
// when it is next needed. Each replacement is a new generation: whatever was prepared in an older
// one is gone, and who had prepared it can tell by the number.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "model/device_facts.h"
#include "model/provider_info.h"
#include "supervise/run.h"
#include "supervise/worker_client.h"

namespace attnbench {

// A worker on which a case's tensors lie ready.
struct ReadyWorker {
  WorkerClient* client = nullptr;  // the pool's
  int generation = 0;
  uint64_t tensor_bytes = 0;
};

class WorkerPool {
 public:
  // Borrows all three.
  WorkerPool(const RunSettings& settings, RunObserver& observer, const std::atomic<bool>& stop);

  // Spawns and opens a worker if there is none, and begins the case if it is not at it already.
  // A provider that could not be opened answers with the same Failure until its worker is ended.
  Answer<ReadyWorker> ready(const ProviderInfo& provider, const std::string& device,
                            const Problem& problem);
  // The generation of the living worker; 0: there is none.
  int generation(const ProviderInfo& provider, const std::string& device) const;
  bool has_begun(const ProviderInfo& provider, const std::string& device) const;
  uint64_t tensor_bytes(const std::string& device) const;  // of all cases begun there
  void end(const ProviderInfo& provider, const std::string& device);
  void end_cases();  // gives the tensors of all workers back; the workers stay
  void say_bye();    // ends all workers, in peace if they let us

  // As first reported, when no worker held memory yet; peaks are the best that any worker saw,
  // since a disturbed measurement of a peak is always too low. nullptr: no worker was opened there
  // so far.
  const DeviceFacts* facts(const std::string& device) const;

 private:
  struct Slot {
    std::unique_ptr<WorkerClient> client;
    int generation = 0;
    std::optional<Failure> open_failure;
    std::optional<Problem> problem;  // of the case that was begun
    uint64_t tensor_bytes = 0;
  };
  using Key = std::pair<std::string, std::string>;  // provider, device

  std::optional<std::variant<Failure, Death>> open(Slot& slot, const ProviderInfo& provider,
                                                   const std::string& device);
  void learn(const std::string& device, const DeviceFacts& facts);
  const Slot* living(const ProviderInfo& provider, const std::string& device) const;

  const RunSettings& settings_;
  RunObserver& observer_;
  const std::atomic<bool>& stop_;
  std::map<Key, Slot> slots_;
  std::map<std::string, DeviceFacts> facts_;
  int generations_ = 0;
};

}  // namespace attnbench
