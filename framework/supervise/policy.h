// Who is blamed, who is kept out, who goes first. Pure: no process, no clock.
//
// Blame: a death says little about the trial at hand, since an earlier one of the same worker may
// have poisoned it. So a trial whose worker died is run once more, alone in a fresh worker. If that
// passes, the record is good and carries a warning; if not, the trial is blamed.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "model/trial.h"

namespace attnbench {

inline constexpr int kMaxAttempts = 2;
inline constexpr int kDeathsToQuarantine = 3;      // of one provider with one set of options
inline constexpr int kOptionSetsToQuarantine = 3;  // with a death each, and no ok at all

// Deaths so far, of blamed trials only: those that died alone in a fresh worker.
class Quarantine {
 public:
  void count_death(const std::string& provider, const Options& options);
  void count_ok(const std::string& provider);
  // Why such a trial is not run any more, or nothing.
  std::optional<std::string> reason(const std::string& provider, const Options& options) const;

 private:
  struct Deaths {
    std::map<Options, int> by_options;
    bool has_ok = false;
  };
  std::map<std::string, Deaths> deaths_;
};

// The order of a round: each round starts one further on, so that drift of the device meets every
// trial alike.
std::vector<size_t> rotated(size_t count, size_t round);

// The first item of each group, then the second of each, and so on; `group_of` tells whose it is.
template <typename Item, typename GroupOf>
std::vector<Item> by_turns(const std::vector<Item>& items, const GroupOf& group_of) {
  std::map<std::decay_t<decltype(group_of(items.front()))>, size_t> seen;
  std::map<size_t, std::vector<Item>> turns;
  for (const Item& item : items) turns[seen[group_of(item)]++].push_back(item);
  std::vector<Item> ordered;
  for (const auto& [turn, its_items] : turns) {
    ordered.insert(ordered.end(), its_items.begin(), its_items.end());
  }
  return ordered;
}

// Numbers that providers cannot foresee: warm-up counts and where inputs switch.
class SecretNumbers {
 public:
  SecretNumbers(uint64_t secret_seed, const std::string& purpose);
  int between(int low, int high);  // both included

 private:
  uint64_t state_;
};

}  // namespace attnbench
