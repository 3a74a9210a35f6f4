#include "supervise/references.h"

#include <chrono>

#include "guest_house.h"
#include "support/catch.h"

using namespace attnbench;

TEST_CASE("references computed ahead are those computed when needed", "[references]") {
  const Scratch scratch;
  const RunSettings settings = quick_run(scratch.path());
  const Problem problem = small_problem(Mode::bwd);
  References lazy(problem, settings), ahead(problem, settings);
  ahead.start(3);
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

TEST_CASE("references that nobody waits for are called off", "[references]") {
  const Scratch scratch;
  Problem problem = small_problem(Mode::bwd);
  problem.heads = problem.kv_heads = 64;
  problem.seqlen_q = problem.seqlen_kv = 4096;
  problem.head_dim = 256;
  const std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
  { References(problem, quick_run(scratch.path())).start(1); }
  // Seconds, where they are computed to the end.
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::milliseconds(500));
}
