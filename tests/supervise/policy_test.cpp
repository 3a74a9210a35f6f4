#include "supervise/policy.h"

#include <algorithm>
#include <set>

#include "supervise/deadlines.h"
#include "support/catch.h"

using namespace attnbench;

TEST_CASE("three deaths with one set of options quarantine that set alone", "[policy]") {
  const Options small = {{"block_q", int64_t{32}}}, large = {{"block_q", int64_t{128}}};
  Quarantine quarantine;
  quarantine.count_death("p", large);
  quarantine.count_death("p", large);
  CHECK_FALSE(quarantine.reason("p", large));
  quarantine.count_death("p", large);
  REQUIRE(quarantine.reason("p", large));
  CHECK(quarantine.reason("p", large)->find("3 trials of p") == 0);
  CHECK_FALSE(quarantine.reason("p", small));
  CHECK_FALSE(quarantine.reason("q", large));
}

TEST_CASE("deaths in three sets of options quarantine the provider unless one passed", "[policy]") {
  Quarantine hopeless, mixed;
  mixed.count_ok("p");
  for (int64_t block = 0; block < 3; ++block) {
    CHECK_FALSE(hopeless.reason("p", {}));
    hopeless.count_death("p", {{"block_q", block}});
    mixed.count_death("p", {{"block_q", block}});
  }
  CHECK(hopeless.reason("p", {}));
  CHECK_FALSE(mixed.reason("p", {}));
}

TEST_CASE("each round starts one trial further on and visits all", "[policy]") {
  CHECK(rotated(3, 0) == std::vector<size_t>{0, 1, 2});
  CHECK(rotated(3, 1) == std::vector<size_t>{1, 2, 0});
  CHECK(rotated(3, 5) == std::vector<size_t>{2, 0, 1});
  CHECK(rotated(0, 7).empty());
  std::vector<int> first_places(4);
  for (size_t round = 0; round < 8; ++round) ++first_places[rotated(4, round).front()];
  CHECK(first_places == std::vector<int>{2, 2, 2, 2});
}

TEST_CASE("by turns the first of each group comes before the second of any", "[policy]") {
  const std::vector<std::string> words = {"a1", "a2", "b1", "a3", "c1", "b2"};
  CHECK(by_turns(words, [](const std::string& word) { return word.front(); }) ==
        std::vector<std::string>{"a1", "b1", "c1", "a2", "b2", "a3"});
  CHECK(by_turns(std::vector<int>{}, [](int) { return 0; }).empty());
}

TEST_CASE("secret numbers stay within bounds, reach both, and follow the seed", "[policy]") {
  SecretNumbers secret(1, "test"), same(1, "test"), other(2, "test");
  std::set<int> seen;
  int different = 0;
  for (int i = 0; i < 200; ++i) {
    const int number = secret.between(3, 8);
    CHECK(number == same.between(3, 8));
    if (number != other.between(3, 8)) ++different;
    seen.insert(number);
  }
  CHECK(seen == std::set<int>{3, 4, 5, 6, 7, 8});
  CHECK(different > 100);
}

TEST_CASE("only the deadline of execute grows with the estimate", "[policy]") {
  const Deadlines deadlines;
  CHECK(deadline_s(deadlines, Phase::execute, 0.001) == 10.0);
  CHECK(deadline_s(deadlines, Phase::execute, 2.0) == 100.0);
  CHECK(deadline_s(deadlines, Phase::plan_create, 1000.0) == 300.0);
  CHECK(deadline_s(deadlines, Phase::load, 1000.0) == 10.0);
}
