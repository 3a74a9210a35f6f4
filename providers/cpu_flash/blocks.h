// How a problem is cut into blocks: what the options ask for, and what `auto` chooses.
#pragma once

#include "job.h"

namespace cpu_flash {

struct Wishes {  // 0: choose
  int64_t block_q = 0, block_k = 0, num_threads = 1;
};

Blocks choose_forward_blocks(const Shape& shape, int64_t panel_rows, const Wishes& wishes);
Blocks choose_backward_blocks(const Shape& shape, int64_t panel_rows, const Wishes& wishes);

}  // namespace cpu_flash
