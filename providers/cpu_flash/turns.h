// Who may add to a tile of dQ next. Items are handed out in order, so the one that holds the lowest
// block of keys never waits, and everybody gets on.
#pragma once

#include <sched.h>

#include <atomic>
#include <cstdint>
#include <new>

namespace cpu_flash {

class Turns {
 public:
  // `memory` holds count() numbers, for the length of a pass.
  Turns(void* memory, int64_t heads, int64_t row_blocks, int64_t kv_heads)
      : turns_(static_cast<std::atomic<int32_t>*>(memory)),
        finished_(turns_ + heads * row_blocks),
        row_blocks_(row_blocks),
        kv_heads_(kv_heads) {}

  static int64_t count(int64_t heads, int64_t row_blocks, int64_t kv_heads) {
    return heads * row_blocks + kv_heads;
  }
  // Before any thread starts.
  void reset() {
    const int64_t all = (finished_ - turns_) + kv_heads_;
    for (int64_t i = 0; i < all; ++i) new (&turns_[i]) std::atomic<int32_t>(0);
  }

  // Until all blocks of keys before `key_block` have added to this tile.
  void wait(int64_t head, int64_t row_block, int64_t key_block) {
    wait_until(turns_[head * row_blocks_ + row_block], key_block);
  }
  void pass_on(int64_t head, int64_t row_block, int64_t key_block) {
    turns_[head * row_blocks_ + row_block].store(static_cast<int32_t>(key_block + 1),
                                                 std::memory_order_release);
  }

  // Until all items of a K and V head are done, so that its place for dQ is free again.
  void wait_for_head(int64_t kv_head, int64_t items) { wait_until(finished_[kv_head], items); }
  void finish_item(int64_t kv_head) { finished_[kv_head].fetch_add(1, std::memory_order_release); }

 private:
  static void wait_until(const std::atomic<int32_t>& number, int64_t wanted) {
    for (int spins = 0; number.load(std::memory_order_acquire) < wanted; ++spins) {
      if (spins > 1000) sched_yield();
    }
  }

  std::atomic<int32_t>* const turns_;
  std::atomic<int32_t>* const finished_;
  const int64_t row_blocks_, kv_heads_;
};

}  // namespace cpu_flash
