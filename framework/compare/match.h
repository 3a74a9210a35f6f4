// Which record is compared with which: the same trial of two runs, or two providers on one problem.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "model/record.h"

namespace attnbench {

// A provider, and the values of options where its trials differ in them: "cpu_flash:threads=1".
struct LineName {
  std::string provider;
  std::map<std::string, std::string> options;  // as text: what a person types

  bool holds(const Trial& trial) const;
};
LineName line_name_from_text(std::string_view text);  // throws Error
std::string to_text(const LineName& name);

// Both are borrowed; one of them may be null: there is no such trial on that side.
struct TrialPair {
  const Record* base = nullptr;
  const Record* contender = nullptr;
};

// The same trial in both, in the order of `base`; what only `contender` has comes last.
std::vector<TrialPair> same_trials(const std::vector<Record>& base,
                                   const std::vector<Record>& contender);

// Trials of two lines on the same problem and device whose options agree wherever both have one
// that the names leave open. Both may be of one run.
std::vector<TrialPair> same_cases(const std::vector<Record>& base, const LineName& base_name,
                                  const std::vector<Record>& contender,
                                  const LineName& contender_name);

// Two trials of one run that were measured in turns: began their case together and stayed in it.
bool took_turns(const Record& one, const Record& other);

}  // namespace attnbench
