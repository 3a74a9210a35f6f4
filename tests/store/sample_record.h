// A finished trial for tests of the store; `seqlen` tells them apart.
#pragma once

#include "model/record.h"

inline attnbench::Record sample_record(int64_t seqlen, double median_ms = 0.5) {
  attnbench::Record record;
  record.trial.provider = "null";
  record.trial.problem.seqlen_q = record.trial.problem.seqlen_kv = seqlen;
  record.trial.device = "cpu";
  record.trial_id = attnbench::trial_id(record.trial);
  record.outcome = attnbench::Outcome::ok;
  record.samples_ms.assign(6, median_ms);
  return record;
}
