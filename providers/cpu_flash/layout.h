// Where everything lies in the workspace: a part for each thread, then what threads share. Counts
// are in floats. All of it is O(threads x tiles), but for a few numbers for each query row.
#pragma once

#include <algorithm>
#include <cstdint>

#include "job.h"
#include "turns.h"

namespace cpu_flash {

constexpr int64_t kMostDecodeRows = 4;  // up to here a panel would be mostly empty lanes
constexpr double kLog2e = 1.4426950408889634;
constexpr double kLn2 = 0.6931471805599453;

constexpr int64_t round_up(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}
constexpr int64_t divide_up(int64_t value, int64_t divisor) {
  return (value + divisor - 1) / divisor;
}

// Rows in the workspace are whole vectors long; 16 floats more keep rows that are a power of two
// apart from falling into the same few sets of the cache.
constexpr int64_t row_floats(int64_t dim) {
  return round_up(dim, 16) + 16;
}

// Hands out consecutive pieces, each on its own cache line.
class Pieces {
 public:
  int64_t add(int64_t floats) {
    const int64_t at = used_;
    used_ += round_up(floats, 16);
    return at;
  }
  int64_t used() const { return used_; }

 private:
  int64_t used_ = 0;
};

struct ForwardLayout {
  explicit ForwardLayout(const Shape& shape, const Blocks& blocks) {
    Pieces own;
    if (!blocks.is_decode) {
      const int64_t panels = blocks.block_q / blocks.panel_rows;
      q = own.add(blocks.block_q * shape.dim_qk);
      o = own.add(blocks.block_q * shape.dim_v);
      row_max = own.add(panels * blocks.panel_rows);
      row_sum = own.add(panels * blocks.panel_rows);
      column_max = own.add(blocks.panel_rows);
      shrink = own.add(blocks.panel_rows);
      k = own.add(blocks.block_k * row_floats(shape.dim_qk));
      v = own.add(blocks.block_k * row_floats(shape.dim_v));
      scores = own.add(blocks.block_k * blocks.panel_rows);
    } else {
      q = own.add(kMostDecodeRows * row_floats(shape.dim_qk));
      o = own.add(kMostDecodeRows * row_floats(shape.dim_v));
      scores = own.add(kMostDecodeRows * round_up(blocks.block_k, 16));
    }
    thread_floats = round_up(own.used(), 64) + 64;

    Pieces shared;
    shared.add(thread_floats * blocks.num_threads);
    if (blocks.num_splits > 1) {
      partial_rows = shape.batch * shape.heads_q * shape.rows * blocks.num_splits;
      partial_o = shared.add(partial_rows * shape.dim_v);
      partial_max = shared.add(partial_rows);
      partial_sum = shared.add(partial_rows);
    }
    total_floats = shared.used();
  }
  static int64_t rows_of_group(const Shape& shape) { return shape.group() * shape.rows; }

  int64_t q = 0, o = 0, row_max = 0, row_sum = 0, column_max = 0, shrink = 0, k = 0, v = 0;
  int64_t scores = 0;
  int64_t thread_floats = 0;
  // A split's part of a row is [((batch * heads_q + head) * rows + row) * num_splits + split].
  int64_t partial_rows = 0, partial_o = 0, partial_max = 0, partial_sum = 0;
  int64_t total_floats = 0;
};

struct BackwardLayout {
  BackwardLayout(const Shape& shape, const Blocks& blocks) {
    const int64_t k_stride = row_floats(shape.dim_qk), v_stride = row_floats(shape.dim_v);
    Pieces own;
    k = own.add(blocks.block_k * k_stride);
    v = own.add(blocks.block_k * v_stride);
    dk = own.add(blocks.block_k * k_stride);
    dv = own.add(blocks.block_k * v_stride);
    q = own.add(blocks.block_q * k_stride);
    d_o = own.add(blocks.block_q * v_stride);
    q_panels = own.add(blocks.block_q * shape.dim_qk);
    d_o_panels = own.add(blocks.block_q * shape.dim_v);
    p = own.add(blocks.block_k * (blocks.block_q + 16));
    ds = own.add(blocks.block_k * (blocks.block_q + 16));
    thread_floats = round_up(own.used(), 64) + 64;

    Pieces shared;
    shared.add(thread_floats * blocks.num_threads);
    const int64_t heads = shape.batch * shape.heads_q;
    lse = shared.add(heads * shape.rows + blocks.panel_rows);  // a panel may read past the end
    delta = shared.add(heads * shape.rows + blocks.panel_rows);
    turns = shared.add(
        Turns::count(heads, num_row_blocks(shape, blocks), shape.batch * shape.heads_kv));
    dq_stride = round_up(shape.dim_qk, 16);
    dq_floats = round_up(shape.rows, 2) * dq_stride;
    dq = shared.add(blocks.num_dq_slots * shape.group() * dq_floats);
    total_floats = shared.used();
  }
  static int64_t num_row_blocks(const Shape& shape, const Blocks& blocks) {
    return divide_up(shape.rows, blocks.block_q);
  }

  int64_t k = 0, v = 0, dk = 0, dv = 0, q = 0, d_o = 0, q_panels = 0, d_o_panels = 0;
  int64_t p = 0, ds = 0;
  int64_t thread_floats = 0;
  int64_t lse = 0, delta = 0, turns = 0, dq = 0, dq_stride = 0, dq_floats = 0;
  int64_t total_floats = 0;
};

inline Turns turns_of(const Backward& job, const BackwardLayout& layout) {
  return Turns(
      reinterpret_cast<float*>(job.workspace) + layout.turns, job.shape.batch * job.shape.heads_q,
      BackwardLayout::num_row_blocks(job.shape, job.blocks), job.shape.batch * job.shape.heads_kv);
}

}  // namespace cpu_flash
