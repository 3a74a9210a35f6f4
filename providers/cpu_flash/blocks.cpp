// The rules behind `auto` were measured; README.md has the numbers. In short: what streams past
// must be used often enough to pay for its packing (big block_q forward, big block_k backward), and
// all that is used again must stay in L2.
#include "blocks.h"

#include <unistd.h>

#include <algorithm>

#include "layout.h"

namespace cpu_flash {
namespace {

constexpr int64_t kFewestKeysPerSplit = 256;
constexpr int64_t kItemsPerThread = 4;  // enough for the last ones to end together
constexpr int64_t kMostSlotBytes = int64_t{256} << 20;

// A part of L2, in floats.
int64_t l2_floats(double part) {
  int64_t bytes = 0;
#ifdef _SC_LEVEL2_CACHE_SIZE
  bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
#endif
  if (bytes <= 0) bytes = 1 << 20;
  return static_cast<int64_t>(part * static_cast<double>(bytes)) / 4;
}

int64_t clamp_to_multiple(int64_t value, int64_t least, int64_t most, int64_t multiple) {
  return std::clamp(value / multiple * multiple, least, most);
}

}  // namespace

Blocks choose_forward_blocks(const Shape& shape, int64_t panel_rows, const Wishes& wishes) {
  Blocks blocks;
  blocks.panel_rows = panel_rows;
  blocks.num_threads = wishes.num_threads;
  const int64_t kv_heads = shape.batch * shape.heads_kv;
  const int64_t wanted_items = kItemsPerThread * wishes.num_threads;
  const int64_t most_splits = std::max<int64_t>(1, shape.keys / kFewestKeysPerSplit);
  const int64_t dims = shape.dim_qk + shape.dim_v;

  if (shape.group() * shape.rows <= kMostDecodeRows) {
    blocks.is_decode = true;
    blocks.block_q = panel_rows;
    blocks.block_k = wishes.block_k > 0 ? wishes.block_k : 256;
    if (wishes.num_threads > 1) {
      blocks.num_splits = std::clamp<int64_t>(divide_up(wanted_items, kv_heads), 1, most_splits);
    }
    return blocks;
  }

  // An eighth of L2 for K and V, a quarter for Q and O.
  const int64_t auto_k = clamp_to_multiple(l2_floats(0.125) / dims, 64, 256, 2);
  const int64_t auto_q = clamp_to_multiple(l2_floats(0.25) / dims, 64, 512, 64);
  blocks.block_k = std::min(wishes.block_k > 0 ? wishes.block_k : auto_k, round_up(shape.keys, 2));

  const int64_t panels = divide_up(shape.rows, panel_rows) * shape.group();
  int64_t panels_per_item = divide_up(wishes.block_q > 0 ? wishes.block_q : auto_q, panel_rows);
  if (wishes.block_q == 0 && wishes.num_threads > 1) {
    const int64_t for_balance = std::max<int64_t>(1, kv_heads * panels / wanted_items);
    panels_per_item = std::min(panels_per_item, for_balance);
  }
  panels_per_item = std::min(panels_per_item, panels);
  blocks.block_q = panels_per_item * panel_rows;
  const int64_t items = kv_heads * divide_up(panels, panels_per_item);
  if (items < wishes.num_threads) {
    blocks.num_splits = std::min(divide_up(2 * wishes.num_threads, items), most_splits);
  }
  return blocks;
}

Blocks choose_backward_blocks(const Shape& shape, int64_t panel_rows, const Wishes& wishes) {
  Blocks blocks;
  blocks.panel_rows = panel_rows;
  blocks.num_threads = wishes.num_threads;
  const int64_t auto_q = shape.dim_qk + shape.dim_v <= 192 ? 128 : 64;
  blocks.block_q =
      round_up(std::min(wishes.block_q > 0 ? wishes.block_q : auto_q, shape.rows), panel_rows);

  // As many keys as fit into most of L2 with all that belongs to them, in equal blocks, and enough
  // blocks to keep the threads busy.
  const int64_t kv_heads = shape.batch * shape.heads_kv;
  blocks.block_k = 384;
  while (blocks.block_k > 64 && BackwardLayout(shape, blocks).thread_floats > l2_floats(0.8)) {
    blocks.block_k -= 64;
  }
  int64_t key_blocks = divide_up(shape.keys, blocks.block_k);
  if (wishes.num_threads > 1) {
    const int64_t for_balance = divide_up(kItemsPerThread * wishes.num_threads, kv_heads);
    key_blocks = std::max(key_blocks, std::min(for_balance, divide_up(shape.keys, 128)));
  }
  blocks.block_k = round_up(divide_up(shape.keys, key_blocks), 2);
  if (wishes.block_k > 0) blocks.block_k = std::min(wishes.block_k, round_up(shape.keys, 2));

  // dQ of fp32 grows in the tensor itself, unless its rows are no whole tiles.
  const bool fits_tensor =
      shape.dtype == Dtype::fp32 && shape.dim_qk % 16 == 0 && shape.rows % 2 == 0;
  if (!fits_tensor) {
    const int64_t bytes = shape.group() * shape.rows * shape.dim_qk * 4;
    const int64_t affordable = std::max<int64_t>(1, kMostSlotBytes / bytes);
    blocks.num_dq_slots = std::min({kv_heads, wishes.num_threads + 1, affordable});
  }
  return blocks;
}

}  // namespace cpu_flash
