// What the kernels are told: one attention problem over raw tensors, cut into blocks. Plain data,
// filled once a pass, so that code compiled for several instruction sets shares nothing else.
//
// Words. A *panel* is a group of query rows that lie side by side in SIMD lanes, a few vectors
// wide. An *item* is the work one thread takes at a time: forward, some neighbouring panels against
// a range of keys; backward, one block of keys against all queries that see it. Panels of all query
// heads that read the same K and V head count as neighbours, so they share its packing.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace cpu_flash {

enum class Dtype { fp32, fp16, bf16 };

// A tensor (batch, position, head, dim) whose last axis is contiguous.
struct Tensor {
  char* data = nullptr;
  int64_t batch_stride = 0, row_stride = 0, head_stride = 0;  // in elements
};

struct Bias {  // (batch, head, query, key); a stride of 0 broadcasts
  char* data = nullptr;
  int64_t batch_stride = 0, head_stride = 0, row_stride = 0, key_stride = 0;
};

struct Lse {  // (batch, head, query), fp32
  char* data = nullptr;
  int64_t batch_stride = 0, head_stride = 0, row_stride = 0;
};

struct Shape {
  int64_t batch = 1, heads_q = 1, heads_kv = 1, rows = 1, keys = 1, dim_qk = 8, dim_v = 8;
  bool is_causal = false;
  int64_t diagonal = 0;  // causal: row i sees keys up to i + diagonal
  double scale = 1;
  Dtype dtype = Dtype::fp32;

  int64_t group() const { return heads_q / heads_kv; }
  // How many keys row `row` sees, counted from key 0.
  int64_t visible_keys(int64_t row) const {
    if (!is_causal) return keys;
    const int64_t seen = row + diagonal + 1;
    return seen < 0 ? 0 : seen < keys ? seen : keys;
  }
};

// How a problem is cut; made by choose_blocks().
struct Blocks {
  int64_t panel_rows = 0;  // SIMD lanes of a panel: a property of the instruction set
  int64_t block_q = 0;     // rows: a multiple of panel_rows
  int64_t block_k = 0;     // keys: even
  int64_t num_splits = 1;  // forward: parts of the keys, computed apart and combined
  int64_t num_threads = 1;
  bool is_decode = false;    // forward with a handful of rows: no panels, lanes run along head_dim
  int64_t num_dq_slots = 0;  // backward: heads whose dQ may be under way at once in the workspace

  bool operator==(const Blocks&) const = default;
};

struct Forward {
  Shape shape;
  Blocks blocks;
  Tensor q, k, v, o;
  Bias bias;
  Lse lse;
  char* workspace = nullptr;
};

struct Backward {
  Shape shape;
  Blocks blocks;
  Tensor q, k, v, o, d_o, dq, dk, dv;
  Bias bias;
  Lse lse;
  char* workspace = nullptr;
};

}  // namespace cpu_flash
