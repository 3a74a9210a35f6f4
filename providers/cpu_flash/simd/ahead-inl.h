// Reading ahead. Blocks of K and V (backward: of Q and dO) come from L3 or memory; copying them
// into place would wait for each line. So while one block is multiplied, the lines of the next are
// asked for, one every few steps: a burst would fill the few slots a core has for lines under way,
// and stall it just as well.
#if defined(CPU_FLASH_AHEAD_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef CPU_FLASH_AHEAD_INL_H
#undef CPU_FLASH_AHEAD_INL_H
#else
#define CPU_FLASH_AHEAD_INL_H
#endif

#include "simd/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cpu_flash {
namespace HWY_NAMESPACE {

struct Rows {  // in bytes
  const void* first;
  int64_t stride, length, count;
};

class ReadAhead {
 public:
  // These rows after those already given; at most kMost sets, none of them empty.
  void add(const Rows& rows) { sets_[num_sets_++] = rows; }

  HWY_INLINE void next_line() {
    if (line_ >= row_end_) {
      if (rows_left_ == 0) {
        if (next_set_ == num_sets_) return;
        const Rows& rows = sets_[next_set_++];
        row_ = static_cast<const char*>(rows.first) - rows.stride;
        stride_ = rows.stride;
        length_ = rows.length;
        rows_left_ = rows.count;
      }
      --rows_left_;
      row_ += stride_;
      line_ = row_;
      row_end_ = row_ + length_;
    }
    __builtin_prefetch(line_, 0, 2);
    line_ += kLineBytes;
  }

 private:
  static constexpr int64_t kLineBytes = 64;
  static constexpr int kMost = 2;

  Rows sets_[kMost];
  int num_sets_ = 0, next_set_ = 0;
  const char *row_ = nullptr, *line_ = nullptr, *row_end_ = nullptr;
  int64_t stride_ = 0, length_ = 0, rows_left_ = 0;
};

// What a product is given: copied freely, it moves on the same readers.
struct Ahead {
  ReadAhead* blocks;
  ReadAhead* bias;         // nullptr: none
  int64_t bias_lines = 1;  // each time
  HWY_INLINE void next_line() const {
    blocks->next_line();
    if (!bias) return;
    for (int64_t i = 0; i < bias_lines; ++i) bias->next_line();
  }
};

}  // namespace HWY_NAMESPACE
}  // namespace cpu_flash
HWY_AFTER_NAMESPACE();
#endif  // include guard
