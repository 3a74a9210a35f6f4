#include "worker/checks.h"

#include <chrono>
#include <thread>

namespace attnbench {
namespace {

// Long enough for a thread or a stream that a provider forgot to join.
constexpr std::chrono::milliseconds kLateWriteWait{20};

std::vector<uint64_t> output_hashes(PreparedTrial& trial) {
  std::vector<uint64_t> hashes;
  for (const Role role : trial.outputs()) {
    hashes.push_back(trial.device().hash(trial.tensors().buffer(role)));
  }
  return hashes;
}

bool finds_late_write(PreparedTrial& trial) {
  const std::vector<uint64_t> before = output_hashes(trial);
  std::this_thread::sleep_for(kLateWriteWait);
  trial.device().synchronize();
  return output_hashes(trial) != before;
}

}  // namespace

CheckReply check_trial(PreparedTrial& trial) {
  trial.note_harm();
  CheckReply reply;
  reply.late_write = finds_late_write(trial);
  reply.guard_violations = trial.guard_violations();
  reply.changed_inputs = trial.changed_inputs();
  reply.leaked_bytes = trial.leaked_bytes();
  return reply;
}

}  // namespace attnbench
