// Which rows are checked. Whoever knows the secret seed knows them; nobody else does.
#include <algorithm>
#include <set>
#include <utility>

#include "base/hash.h"
#include "reference/attention.h"

namespace attnbench {
namespace {

// Query rows share K and V by head, so few heads make the check cheap; which ones, is secret.
constexpr int kMaxHeads = 4;

class Dice {
 public:
  Dice(uint64_t secret_seed, uint32_t variant) : state_(mix64(secret_seed ^ mix64(variant + 1))) {}
  // From 0 to bound - 1. The bias of the remainder is below 2^-31 for any bound that occurs.
  int64_t below(int64_t bound) {
    state_ += 0x9E3779B97F4A7C15;
    return static_cast<int64_t>(mix64(state_) % static_cast<uint64_t>(bound));
  }

 private:
  uint64_t state_;
};

std::set<int64_t> choose_indices(int64_t length, int64_t count, Dice& dice) {
  std::set<int64_t> indices;
  if (length <= count) {
    for (int64_t index = 0; index < length; ++index) indices.insert(index);
    return indices;
  }
  indices.insert({0, length - 1});
  for (int64_t round = 0; round < std::max<int64_t>(1, count / 16); ++round) {
    for (const int64_t block : {32, 64, 128}) {
      const int64_t edges = (length - 1) / block;
      if (edges == 0) continue;
      const int64_t edge = (1 + dice.below(edges)) * block;
      indices.insert({edge - 1, edge});
    }
  }
  while (static_cast<int64_t>(indices.size()) < count) indices.insert(dice.below(length));
  return indices;
}

}  // namespace

RowSelection choose_rows(const Problem& problem, uint64_t secret_seed, uint32_t variant,
                         int count) {
  Dice dice(secret_seed, variant);
  RowSelection selection;
  const int64_t wanted_heads = std::min<int64_t>(kMaxHeads, problem.batch * problem.heads);
  std::set<std::pair<int64_t, int64_t>> heads;
  while (static_cast<int64_t>(heads.size()) < wanted_heads) {
    const int64_t batch = dice.below(problem.batch);
    heads.insert({batch, dice.below(problem.heads)});
  }
  const int64_t rows_per_head = std::max<int64_t>(1, count / wanted_heads);
  for (const auto& [batch, head] : heads) {
    for (const int64_t index : choose_indices(problem.seqlen_q, rows_per_head, dice)) {
      selection.q_rows.push_back({batch, head, index});
    }
  }
  if (!problem.has_backward()) return selection;
  const int64_t batch = dice.below(problem.batch);
  const int64_t kv_head = dice.below(problem.kv_heads);
  for (const int64_t index : choose_indices(problem.seqlen_kv, count, dice)) {
    selection.kv_rows.push_back({batch, kv_head, index});
  }
  return selection;
}

}  // namespace attnbench
