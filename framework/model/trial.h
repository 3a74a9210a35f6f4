// Trial: a problem, a provider with its options, and a device. What a sweep is made of.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>

#include "base/json.h"
#include "model/problem.h"

namespace attnbench {

using OptionValue = std::variant<int64_t, double, std::string>;
using Options = std::map<std::string, OptionValue>;  // ordered by name: equal sets are equal text

struct Trial {
  std::string provider;  // the provider's id
  Options options;       // only those that the provider declares and the sweep sets
  Problem problem;
  std::string device;  // "cpu", "cuda:0"
  bool operator==(const Trial&) const = default;
};

std::string to_text(const OptionValue& value);
Json to_json(const OptionValue& value);
OptionValue option_value_from_json(const Json& json);
Json to_json(const Options& options);
Options options_from_json(const Json& json);
std::string to_text(const Options& options);  // "block_k=64 block_q=128"

Json to_json(const Trial& trial);
Trial trial_from_json(const Json& json);

// 16 hex digits of the SHA-256 of the trial's canonical JSON: the same trial has the same id in
// every run on every machine. What `--resume`, `merge`, `compare` and `repro` match by.
std::string trial_id(const Trial& trial);
// The same for problem and device alone: trials with one case id see the same inputs and rotate.
std::string case_id(const Problem& problem, const std::string& device);

}  // namespace attnbench
