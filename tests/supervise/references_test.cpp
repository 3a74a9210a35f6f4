#include "supervise/references.h"

#include "guest_house.h"
#include "support/catch.h"

using namespace attnbench;

TEST_CASE("references computed ahead are those computed when needed", "[references]") {
  const Scratch scratch;
  const RunSettings settings = quick_run(scratch.path());
  const Problem problem = small_problem(Mode::bwd);
  References lazy(problem, settings), ahead(problem, settings), unused(problem, settings);
  ahead.start(3);
  unused.start(1);  // ends well though nobody asks
  for (const int variant : {1, 0}) {
    const std::vector<RowAddress> rows = lazy.rows(variant, true);
    CHECK(ahead.rows(variant, true).size() == rows.size());
    const std::vector<float> zeros(lazy.numbers_in(variant, true));
    const std::vector<RoleComparison> expected = lazy.compare_rows(variant, true, zeros);
    const std::vector<RoleComparison> seen = ahead.compare_rows(variant, true, zeros);
    REQUIRE(seen.size() == expected.size());
    for (size_t i = 0; i < seen.size(); ++i) {
      CHECK(seen[i].role == expected[i].role);
      CHECK(seen[i].max_error == expected[i].max_error);
      CHECK(seen[i].expected == expected[i].expected);
    }
  }
}
