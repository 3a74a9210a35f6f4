#include "walk.h"

#include <algorithm>

namespace unfused_sdpa {
namespace {

// The longer of the two ways through a group becomes the batched GEMM.
bool is_group_inside(const Heads& heads) {
  return heads.group() > heads.kv;
}

}  // namespace

Walk walk_of(const Heads& heads, const std::vector<HeadStrides>& operands) {
  if (heads.group() > 1) {
    if (is_group_inside(heads)) return {heads.batch, heads.kv, heads.group()};
    return {heads.batch, heads.group(), heads.kv};
  }
  const bool batches_follow_on = std::all_of(
      operands.begin(), operands.end(),
      [&heads](const HeadStrides& operand) { return operand.batch == heads.q * operand.head; });
  if (batches_follow_on) return {1, 1, heads.batch * heads.q};
  return {heads.batch, 1, heads.q};
}

Steps steps_of(const Heads& heads, const HeadStrides& operand) {
  const int64_t group_step = operand.is_shared ? operand.head : heads.group() * operand.head;
  const int64_t member_step = operand.is_shared ? 0 : operand.head;
  if (is_group_inside(heads)) return {operand.batch, group_step, member_step};
  return {operand.batch, member_step, group_step};
}

}  // namespace unfused_sdpa
