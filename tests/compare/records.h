// Finished trials for tests of compare.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "model/record.h"

namespace attnbench {

inline Record timed(const std::string& provider, int64_t seqlen, std::vector<double> samples_ms,
                    Options options = {}) {
  Record record;
  record.trial.provider = provider;
  record.trial.options = std::move(options);
  record.trial.device = "cpu";
  record.trial.problem.seqlen_q = record.trial.problem.seqlen_kv = seqlen;
  record.trial_id = trial_id(record.trial);
  record.outcome = Outcome::ok;
  record.samples_ms = std::move(samples_ms);
  record.started_utc = "2026-01-01T00:00:00Z";
  return record;
}

// `rounds` rounds of four samples around `level_ms`, a little apart.
inline Record in_rounds(const std::string& provider, int64_t seqlen, int rounds, double level_ms) {
  Record record = timed(provider, seqlen, {});
  for (int round = 0; round < rounds; ++round) {
    for (int i = 0; i < 4; ++i) {
      const double apart = 1.0 + 1e-4 * ((7 * i + 3 * round) % 5);
      record.samples_ms.push_back(level_ms * apart);
      record.sample_rounds.push_back(round);
    }
  }
  return record;
}

inline Record failed(const std::string& provider, int64_t seqlen, Outcome outcome) {
  Record record = timed(provider, seqlen, {});
  record.outcome = outcome;
  return record;
}

}  // namespace attnbench
