#include "blocks.h"

#include <algorithm>

#include "layout.h"

namespace cpu_flash {
namespace {

constexpr int64_t kFewestKeysPerSplit = 256;
constexpr int64_t kMostSlotBytes = int64_t{256} << 20;
constexpr int64_t kItemsPerThread = 4;  // enough for the last ones to end together

}  // namespace

Blocks choose_forward_blocks(const Shape& shape, int64_t panel_rows, const Wishes& wishes) {
  Blocks blocks;
  blocks.panel_rows = panel_rows;
  blocks.num_threads = wishes.num_threads;
  const int64_t kv_heads = shape.batch * shape.heads_kv;
  const int64_t wanted_items = kItemsPerThread * wishes.num_threads;
  const int64_t most_splits = std::max<int64_t>(1, shape.keys / kFewestKeysPerSplit);

  if (shape.group() * shape.rows <= kMostDecodeRows) {
    blocks.is_decode = true;
    blocks.block_q = panel_rows;
    blocks.block_k = wishes.block_k > 0 ? wishes.block_k : 256;
    blocks.num_splits = std::clamp<int64_t>(divide_up(wanted_items, kv_heads), 1, most_splits);
    if (wishes.num_threads == 1) blocks.num_splits = 1;
    return blocks;
  }

  const int64_t panels = divide_up(shape.rows, panel_rows) * shape.group();
  int64_t panels_per_item = divide_up(wishes.block_q > 0 ? wishes.block_q : 256, panel_rows);
  if (wishes.block_q == 0) {
    const int64_t for_balance = std::max<int64_t>(1, kv_heads * panels / wanted_items);
    panels_per_item = std::min(panels_per_item, for_balance);
  }
  panels_per_item = std::min(panels_per_item, panels);
  blocks.block_q = panels_per_item * panel_rows;
  const int64_t block_k = wishes.block_k > 0 ? wishes.block_k : 384;
  blocks.block_k = std::min(block_k, round_up(shape.keys, 2));
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
  const int64_t block_q = wishes.block_q > 0 ? wishes.block_q : 128;
  blocks.block_q = round_up(std::min(block_q, shape.rows), panel_rows);
  const int64_t block_k = wishes.block_k > 0 ? wishes.block_k : 256;
  blocks.block_k = round_up(std::min(block_k, shape.keys), 2);

  // dQ of fp32 grows in the tensor itself, unless its rows are no whole tiles.
  const bool fits_tensor =
      shape.dtype == Dtype::fp32 && shape.dim_qk % 16 == 0 && shape.rows % 2 == 0;
  if (!fits_tensor) {
    const int64_t bytes = shape.group() * shape.rows * shape.dim_qk * 4;
    const int64_t affordable = std::max<int64_t>(1, kMostSlotBytes / bytes);
    blocks.num_dq_slots =
        std::min({shape.batch * shape.heads_kv, wishes.num_threads + 1, affordable});
  }
  return blocks;
}

}  // namespace cpu_flash
