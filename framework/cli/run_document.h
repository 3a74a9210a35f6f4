// run.json: what was asked for, with what, and on which machine. results.jsonl says what came out.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "cli/machine.h"
#include "model/provider_info.h"
#include "report/summary.h"
#include "supervise/run.h"
#include "sweep/expand.h"

namespace attnbench {

// As it stands before the first trial: "status" is "running".
Json run_document(const std::vector<std::string>& argv, const Plan& plan,
                  const std::vector<ProviderInfo>& providers, const Machine& machine);

// The same for a run that goes on: `earlier` as it was, with what is different now under "resumed".
// `notes` gets a sentence for each provider whose file has changed since.
Json resumed_document(Json earlier, const Json& now, std::vector<std::string>* notes);

// The sweep of an earlier run, as it was after the command line's changes. Throws Error if `run` is
// no document of this kind.
Sweep sweep_of(const Json& run, const std::string& run_file);

// The plan of an earlier run, as it was then: its sweep with the providers and devices it knew.
Plan plan_of(const Json& run, const std::string& run_file);

// Facts that workers reported of the devices they opened.
void add_device(Json* run, const DeviceFacts& facts);

// Adds a session's time to that of the sessions before it, under "harness"; returns the sum.
HarnessTime add_harness_time(Json* run, const HarnessTime& session);

// `status`: "finished", "stopped", "failed". `secret_seed` decided which rows were checked: secret
// from providers while they ran, needed to repeat the run.
void close_document(Json* run, const std::string& status, uint64_t secret_seed);

}  // namespace attnbench
