#include "worker/checks.h"

namespace attnbench {

CheckReply check_trial(PreparedTrial& trial) {
  trial.note_harm();
  CheckReply reply;
  reply.late_write = trial.finds_late_write();
  reply.guard_violations = trial.guard_violations();
  reply.changed_inputs = trial.changed_inputs();
  reply.leaked_bytes = trial.leaked_bytes();
  return reply;
}

}  // namespace attnbench
