// Compiled once for each instruction set: foreach_target.h includes this file again and again.
#include "kernels.h"

#include <algorithm>

// Tiles are arrays of vectors, which vectors without a fixed size (SVE) cannot form: NEON serves
// there.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h, as Highway asks.
#include <hwy/highway.h>

#include "simd/backward-inl.h"
#include "simd/decode-inl.h"
#include "simd/forward-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cpu_flash {
namespace HWY_NAMESPACE {

template <class T>
void decode_item(const Forward& job, const ForwardLayout& layout, float* mine, int64_t batch,
                 int64_t kv_head, int64_t split) {
  const int64_t rows = ForwardLayout::rows_of_group(job.shape);
  if (rows == 1) {
    DecodeItem<T, 1>(job, layout, mine, batch, kv_head, split).run();
  } else if (rows == 2) {
    DecodeItem<T, 2>(job, layout, mine, batch, kv_head, split).run();
  } else {
    DecodeItem<T, 4>(job, layout, mine, batch, kv_head, split).run();
  }
}

template <class T>
void forward_items(const Forward& job, Counter& items, int64_t thread) {
  const Shape& shape = job.shape;
  const Blocks& blocks = job.blocks;
  const ForwardLayout layout(shape, blocks);
  float* mine = reinterpret_cast<float*>(job.workspace) + thread * layout.thread_floats;
  const int64_t panels = blocks.is_decode ? 1 : divide_up(shape.rows, kPanelRows) * shape.group();
  const int64_t panels_per_item = blocks.is_decode ? 1 : blocks.block_q / kPanelRows;
  const int64_t row_blocks = divide_up(panels, panels_per_item);
  const int64_t count = shape.batch * shape.heads_kv * blocks.num_splits * row_blocks;
  for (;;) {
    const int64_t item = items.next.fetch_add(1, std::memory_order_relaxed);
    if (item >= count) return;
    int64_t rest = item;
    // Causal: late rows see most keys. Taking them first leaves short items for the end.
    const int64_t row_block = row_blocks - 1 - rest % row_blocks;
    rest /= row_blocks;
    const int64_t split = rest % blocks.num_splits;
    rest /= blocks.num_splits;
    const int64_t kv_head = rest % shape.heads_kv, batch = rest / shape.heads_kv;
    if (blocks.is_decode) {
      decode_item<T>(job, layout, mine, batch, kv_head, split);
      continue;
    }
    const int64_t first_panel = row_block * panels_per_item;
    ForwardItem<T>(job, layout, mine, batch, kv_head, first_panel,
                   std::min(panels_per_item, panels - first_panel), split)
        .run();
  }
}

template <class T>
void combine_rows(const Forward& job, Counter& rows, int64_t thread) {
  const ForwardLayout layout(job.shape, job.blocks);
  float* mine = reinterpret_cast<float*>(job.workspace) + thread * layout.thread_floats;
  const int64_t count = job.shape.batch * job.shape.heads_q * job.shape.rows;
  for (;;) {
    const int64_t row = rows.next.fetch_add(1, std::memory_order_relaxed);
    if (row >= count) return;
    combine_row<T>(job, layout, mine, row);
  }
}

template <class T>
void prepare_items(const Backward& job, Counter& items, int64_t) {
  const BackwardLayout layout(job.shape, job.blocks);
  constexpr int64_t kRowsPerItem = 64;
  const int64_t row_items = divide_up(job.shape.rows, kRowsPerItem);
  const int64_t count = job.shape.batch * job.shape.heads_q * row_items;
  for (;;) {
    const int64_t item = items.next.fetch_add(1, std::memory_order_relaxed);
    if (item >= count) return;
    const int64_t first_row = item % row_items * kRowsPerItem;
    const int64_t head = item / row_items % job.shape.heads_q;
    prepare_rows<T>(job, layout, item / row_items / job.shape.heads_q, head, first_row,
                    std::min(kRowsPerItem, job.shape.rows - first_row));
  }
}

template <class T>
void backward_items(const Backward& job, Counter& items, int64_t thread) {
  const Shape& shape = job.shape;
  const Blocks& blocks = job.blocks;
  const BackwardLayout layout(shape, blocks);
  float* shared = reinterpret_cast<float*>(job.workspace);
  Turns turns = turns_of(job, layout);
  const int64_t key_blocks = divide_up(shape.keys, blocks.block_k);
  const int64_t count = shape.batch * shape.heads_kv * key_blocks;
  for (;;) {
    const int64_t item = items.next.fetch_add(1, std::memory_order_relaxed);
    if (item >= count) return;
    const int64_t kv_index = item / key_blocks;
    if (blocks.num_dq_slots > 0 && kv_index >= blocks.num_dq_slots) {
      turns.wait_for_head(kv_index - blocks.num_dq_slots, key_blocks);
    }
    BackwardItem<T>(job, layout, shared + thread * layout.thread_floats, turns,
                    kv_index / shape.heads_kv, kv_index % shape.heads_kv, item % key_blocks)
        .run();
    turns.finish_item(kv_index);
  }
}

// Calls one of three instances of a template function, by dtype.
#define CPU_FLASH_BY_DTYPE(dtype, function, ...)     \
  switch (dtype) {                                   \
    case Dtype::fp32:                                \
      return function<float>(__VA_ARGS__);           \
    case Dtype::fp16:                                \
      return function<hwy::float16_t>(__VA_ARGS__);  \
    case Dtype::bf16:                                \
      return function<hwy::bfloat16_t>(__VA_ARGS__); \
  }

void forward(const Forward& job, Counter& items, int64_t thread) {
  CPU_FLASH_BY_DTYPE(job.shape.dtype, forward_items, job, items, thread)
}
void combine(const Forward& job, Counter& rows, int64_t thread) {
  CPU_FLASH_BY_DTYPE(job.shape.dtype, combine_rows, job, rows, thread)
}

void prepare_backward(const Backward& job, Counter& items, int64_t thread) {
  CPU_FLASH_BY_DTYPE(job.shape.dtype, prepare_items, job, items, thread)
}
void backward(const Backward& job, Counter& items, int64_t thread){
    CPU_FLASH_BY_DTYPE(job.shape.dtype, backward_items, job, items, thread)}

Kernels kernels_of_target() {
  return {hwy::TargetName(HWY_TARGET), kPanelRows, forward, combine, prepare_backward, backward};
}

}  // namespace HWY_NAMESPACE
}  // namespace cpu_flash
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cpu_flash {
HWY_EXPORT(kernels_of_target);
Kernels best_kernels() {
  return HWY_DYNAMIC_DISPATCH(kernels_of_target)();
}
}  // namespace cpu_flash
#endif
