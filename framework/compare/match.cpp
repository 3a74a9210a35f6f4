#include "compare/match.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <set>
#include <unordered_map>

#include "base/error.h"
#include "base/text.h"

namespace attnbench {
namespace {

std::optional<std::time_t> seconds_of_utc(const std::string& text) {
  std::tm parts{};
  if (strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts) == nullptr) return std::nullopt;
  return timegm(&parts);
}

// Of options that neither name fixes.
bool options_agree(const TrialPair& pair, const LineName& base_name,
                   const LineName& contender_name) {
  const Options& others = pair.contender->trial.options;
  for (const auto& [name, value] : pair.base->trial.options) {
    if (base_name.options.count(name) > 0 || contender_name.options.count(name) > 0) continue;
    const Options::const_iterator other = others.find(name);
    if (other != others.end() && other->second != value) return false;
  }
  return true;
}

using Cases = std::unordered_map<std::string, std::vector<const Record*>>;

Cases cases_of(const std::vector<Record>& records, const LineName& name) {
  Cases cases;
  for (const Record& record : records) {
    if (!name.holds(record.trial)) continue;
    cases[case_id(record.trial.problem, record.trial.device)].push_back(&record);
  }
  return cases;
}

}  // namespace

bool LineName::holds(const Trial& trial) const {
  if (trial.provider != provider) return false;
  return std::all_of(options.begin(), options.end(), [&trial](const auto& wanted) {
    const Options::const_iterator found = trial.options.find(wanted.first);
    return found != trial.options.end() && to_text(found->second) == wanted.second;
  });
}

LineName line_name_from_text(std::string_view text) {
  const std::vector<std::string> parts = split(text, ':');
  LineName name{parts.front(), {}};
  for (size_t i = 1; i < parts.size(); ++i) {
    const size_t equals = parts[i].find('=');
    if (equals == std::string::npos || equals == 0) {
      throw Error(fmt::format("\"{}\" names no option", parts[i]),
                  "write PROVIDER:OPTION=VALUE, as in cpu_flash:threads=1");
    }
    name.options[parts[i].substr(0, equals)] = parts[i].substr(equals + 1);
  }
  if (name.provider.empty()) {
    throw Error(fmt::format("\"{}\" names no provider", text), "write PROVIDER:OPTION=VALUE");
  }
  return name;
}

std::string to_text(const LineName& name) {
  std::string text = name.provider;
  for (const auto& [option, value] : name.options) text += " " + option + "=" + value;
  return text;
}

std::vector<TrialPair> same_trials(const std::vector<Record>& base,
                                   const std::vector<Record>& contender) {
  std::unordered_map<std::string, const Record*> of_contender;
  for (const Record& record : contender) of_contender[record.trial_id] = &record;
  std::vector<TrialPair> pairs;
  std::set<std::string> known;
  for (const Record& record : base) {
    known.insert(record.trial_id);
    const auto found = of_contender.find(record.trial_id);
    pairs.push_back({&record, found == of_contender.end() ? nullptr : found->second});
  }
  for (const Record& record : contender) {
    if (known.count(record.trial_id) == 0) pairs.push_back({nullptr, &record});
  }
  return pairs;
}

std::vector<TrialPair> same_cases(const std::vector<Record>& base, const LineName& base_name,
                                  const std::vector<Record>& contender,
                                  const LineName& contender_name) {
  const Cases of_contender = cases_of(contender, contender_name);
  std::vector<TrialPair> pairs;
  std::set<const Record*> matched;
  for (const Record& record : base) {
    if (!base_name.holds(record.trial)) continue;
    const auto found = of_contender.find(case_id(record.trial.problem, record.trial.device));
    bool has_rival = false;
    for (const Record* rival :
         found == of_contender.end() ? std::vector<const Record*>{} : found->second) {
      const TrialPair pair{&record, rival};
      if (rival == &record || !options_agree(pair, base_name, contender_name)) continue;
      pairs.push_back(pair);
      matched.insert(rival);
      has_rival = true;
    }
    if (!has_rival && !contender_name.holds(record.trial)) pairs.push_back({&record, nullptr});
  }
  for (const Record& record : contender) {
    const bool is_wanted = contender_name.holds(record.trial) && !base_name.holds(record.trial);
    if (is_wanted && matched.count(&record) == 0) pairs.push_back({nullptr, &record});
  }
  return pairs;
}

bool took_turns(const Record& one, const Record& other) {
  if (!one.interleaved || !other.interleaved) return false;
  // A case's trials start as one; what a resumed run measured later starts at another time.
  const std::optional<std::time_t> start = seconds_of_utc(one.started_utc);
  const std::optional<std::time_t> other_start = seconds_of_utc(other.started_utc);
  return start && other_start && std::abs(*start - *other_start) <= 1;
}

}  // namespace attnbench
