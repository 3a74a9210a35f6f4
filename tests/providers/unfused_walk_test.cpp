// unfused_sdpa's walk over heads: every head of Q once, next to the K head that it shares.
#include "unfused_sdpa/walk.h"

#include <set>

#include "support/catch.h"

namespace unfused_sdpa {
namespace {

struct Visit {
  int64_t query_address, key_address;
  bool operator<(const Visit& other) const { return query_address < other.query_address; }
};

std::vector<Visit> visits(const Heads& heads, const HeadStrides& query, const HeadStrides& key) {
  const Walk walk = walk_of(heads, {query, key});
  const Steps of_query = steps_of(heads, query);
  const Steps of_key = steps_of(heads, key);
  std::vector<Visit> all;
  for (int64_t b = 0; b < walk.batches; ++b) {
    for (int64_t o = 0; o < walk.outer; ++o) {
      for (int64_t i = 0; i < walk.inner; ++i) {
        all.push_back({b * of_query.batch + o * of_query.outer + i * of_query.inner,
                       b * of_key.batch + o * of_key.outer + i * of_key.inner});
      }
    }
  }
  return all;
}

// In both layouts, with 7 rows of 8 elements a head.
struct Layout {
  HeadStrides query, key;
};
Layout bshd(const Heads& heads) {
  return {{7 * heads.q * 8, 8}, {7 * heads.kv * 8, 8, true}};
}
Layout bhsd(const Heads& heads) {
  return {{heads.q * 56, 56}, {heads.kv * 56, 56, true}};
}

void check_walk(const Heads& heads, const Layout& layout) {
  const std::vector<Visit> all = visits(heads, layout.query, layout.key);
  const std::set<Visit> once(all.begin(), all.end());
  REQUIRE(all.size() == static_cast<size_t>(heads.batch * heads.q));
  REQUIRE(once.size() == all.size());
  for (const Visit& visit : all) {
    const int64_t b = visit.query_address / layout.query.batch;
    const int64_t h = visit.query_address % layout.query.batch / layout.query.head;
    CHECK(b < heads.batch);
    CHECK(h < heads.q);
    CHECK(visit.key_address == b * layout.key.batch + h / heads.group() * layout.key.head);
  }
}

TEST_CASE("unfused attention pairs every query head with its key head, in both layouts",
          "[unfused_sdpa]") {
  for (const Heads& heads :
       {Heads{1, 1, 1}, Heads{3, 4, 4}, Heads{2, 8, 4}, Heads{2, 8, 2}, Heads{2, 6, 1}}) {
    check_walk(heads, bshd(heads));
    check_walk(heads, bhsd(heads));
  }
}

TEST_CASE("heads that follow on across batches are one batched product", "[unfused_sdpa]") {
  const Heads heads{3, 4, 4};
  const Layout dense = bhsd(heads);
  CHECK(walk_of(heads, {dense.query, dense.key}).inner == 12);
  const Layout interleaved = bshd(heads);
  CHECK(walk_of(heads, {interleaved.query, interleaved.key}).inner == 4);
}

}  // namespace
}  // namespace unfused_sdpa
