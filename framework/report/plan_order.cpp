#include "report/plan_order.h"

#include <algorithm>
#include <string>
#include <unordered_map>

namespace attnbench {

std::vector<Record> in_plan_order(const Plan& plan, std::vector<Record> records) {
  std::unordered_map<std::string, size_t> ranks;
  plan.for_each_trial([&](const Trial& trial, int64_t) {
    ranks.emplace(trial_id(trial), ranks.size());
    return true;
  });
  const auto rank_of = [&](const Record& record) {
    const auto found = ranks.find(record.trial_id);
    return found == ranks.end() ? ranks.size() : found->second;
  };
  std::stable_sort(records.begin(), records.end(), [&](const Record& left, const Record& right) {
    return rank_of(left) < rank_of(right);
  });
  return records;
}

}  // namespace attnbench
