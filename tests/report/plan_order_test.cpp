#include "report/plan_order.h"

#include <algorithm>

#include "report/figures.h"
#include "support/catch.h"

namespace attnbench {
namespace {

std::vector<std::string> ids_of(const std::vector<Record>& records) {
  std::vector<std::string> ids;
  for (const Record& record : records) ids.push_back(record.trial_id);
  return ids;
}

}  // namespace

TEST_CASE("records come in the order of the plan, whatever order they ended in", "[report]") {
  const Plan plan = expand(hostile_sweep(), {}, {"cpu"});
  const std::vector<Record> planned = records_of(plan, 2);
  REQUIRE(planned.size() > 2);
  std::vector<Record> ended = planned;
  std::rotate(ended.begin(), ended.begin() + 1, ended.end());
  std::swap(ended[0], ended[1]);
  REQUIRE(ids_of(ended) != ids_of(planned));
  CHECK(ids_of(in_plan_order(plan, ended)) == ids_of(planned));
}

TEST_CASE("a record that the plan does not have comes last", "[report]") {
  const Plan plan = expand(hostile_sweep(), {}, {"cpu"});
  std::vector<Record> records = records_of(plan, 2);
  Record stranger = records.back();
  stranger.trial_id = "0123456789abcdef";
  records.insert(records.begin(), stranger);
  const std::vector<std::string> ids = ids_of(in_plan_order(plan, records));
  CHECK(ids.back() == stranger.trial_id);
  CHECK(ids.front() == records[1].trial_id);
}

}  // namespace attnbench
