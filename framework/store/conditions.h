// Under which conditions a run measured, as far as numbers of two runs need them to be alike.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "model/record.h"
#include "model/settings.h"

namespace attnbench {

struct RunConditions {
  std::map<std::string, std::string> devices;  // those with records: "cuda:0" to what it is
  MeasureSettings measure;
  std::string regime;                            // of most bursts; "" where none is recorded
  std::map<std::string, std::string> providers;  // id to SHA-256
};

// `run` is run.json; throws Error if it says nothing of how the run measured.
RunConditions conditions_of(const Json& run, const std::vector<Record>& records,
                            const std::string& run_file);

struct ConditionDifference {
  std::string text;       // "cuda:0 is a NVIDIA H100 80GB HBM3 here, a NVIDIA H200 there"
  bool is_grave = false;  // times are of different things, and no statistics helps
};

std::vector<ConditionDifference> differences(const RunConditions& here, const RunConditions& there);

}  // namespace attnbench
