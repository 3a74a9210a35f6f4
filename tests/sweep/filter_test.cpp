#include "sweep/filter.h"

#include "base/error.h"
#include "support/catch.h"

using namespace attnbench;

namespace {

Trial trial_with(int64_t head_dim) {
  Trial trial;
  trial.provider = "tile";
  trial.device = "cpu";
  trial.problem.head_dim = head_dim;
  trial.options["block_q"] = int64_t{64};
  return trial;
}

bool keeps(const std::string& pattern, const Trial& trial) {
  return Filter({pattern}).matches(trial);
}

}  // namespace

TEST_CASE("a filter reads the trial in the glossary's words", "[filter]") {
  CHECK(filter_text(trial_with(64)) ==
        "provider=tile device=cpu mode=fwd dtype=fp16 batch=1 heads=1 kv_heads=1 seqlen_q=1 "
        "seqlen_kv=1 head_dim=64 layout=bshd causal=none bias=none scale=0 block_q=64");
}

TEST_CASE("a filter finds a part, a boundary makes it a word, a minus negates", "[filter]") {
  CHECK(keeps("head_dim=6", trial_with(64)));
  CHECK_FALSE(keeps("head_dim=6\\b", trial_with(64)));
  CHECK(keeps("head_dim=64\\b.*block_q=64", trial_with(64)));
  CHECK_FALSE(keeps("-head_dim=64", trial_with(64)));
  CHECK(keeps("-head_dim=64", trial_with(128)));
  CHECK_FALSE(Filter({"tile", "-block_q"}).matches(trial_with(64)));
}

TEST_CASE("a pattern made to backtrack ends at once", "[filter]") {
  CHECK_FALSE(keeps("(([a-z]+)+[ =0-9]*)+%", trial_with(64)));
}

TEST_CASE("a bad or endless pattern is refused", "[filter]") {
  for (const std::string pattern : {"", "-", "(", "(a)\\1"}) {
    CAPTURE(pattern);
    CHECK_THROWS_AS(Filter({pattern}), Error);
  }
  CHECK_THROWS_AS(Filter({std::string(257, 'a')}), Error);
}
