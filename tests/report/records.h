// Records for the report's tests: values chosen by hand, so that a reader can check a golden file.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "model/record.h"

namespace attnbench {

inline Record ok_record(const std::string& provider, int64_t seqlen,
                        std::vector<double> samples_ms) {
  Record record;
  record.trial.provider = provider;
  record.trial.device = "cpu";
  record.trial.problem.batch = 1;
  record.trial.problem.heads = record.trial.problem.kv_heads = 8;
  record.trial.problem.seqlen_q = record.trial.problem.seqlen_kv = seqlen;
  record.outcome = Outcome::ok;
  record.samples_ms = std::move(samples_ms);
  record.errors = {{"o", 1.2e-4, 1e-3, 64}, {"lse", 3e-6, 1e-3, 64}};
  return record;
}

inline Record failed_record(const std::string& provider, int64_t seqlen, Outcome outcome,
                            const std::string& detail, const std::string& message) {
  Record record = ok_record(provider, seqlen, {});
  record.outcome = outcome;
  record.detail = detail;
  record.message = message;
  record.errors.clear();
  return record;
}

inline std::vector<Record> mixed_records() {
  std::vector<Record> records = {
      ok_record("cpu_reference", 128, {9.9, 10.0, 10.0, 10.0, 10.0, 10.1, 10.2}),
      ok_record("cpu_reference", 1024, {640, 641, 642, 643, 644, 645, 646}),
      ok_record("cpu_flash", 128, {1.01, 1.02, 1.03, 1.04, 1.05, 1.06, 1.07}),
      failed_record("cpu_flash", 1024, Outcome::crashed, "signal-11",
                    "the worker died of signal 11 (SIGSEGV) in execute"),
      failed_record("block_ptr", 128, Outcome::unsupported, "", "needs a GPU of compute 9.0"),
      failed_record("block_ptr", 1024, Outcome::unsupported, "", "needs a GPU of compute 9.0")};
  records[2].trial.options["block_q"] = int64_t{64};
  records[3].trial.options["block_q"] = int64_t{128};
  records[2].warnings = {"wrote 12 bytes to stdout"};
  return records;
}

}  // namespace attnbench
