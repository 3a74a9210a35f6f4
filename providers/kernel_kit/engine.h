// An engine is one family of kernels: which cells it serves, how its text is compiled for one, and
// what is launched. It is a table of pure functions: no device is touched here, so all of it is
// tested on a CPU. A provider lists its engines in order of preference; the first that accepts a
// cell serves it, and if none does, the last one's words are the answer: list the most general
// last.
//
// To write one: kernel text (`forward.cu`) and a `forward_tile.h`, readable by host and NVRTC, with
// a constexpr struct of threads, rows, shared-memory bytes and boxes, so that host and kernel
// cannot disagree; then `forward_engine.cpp` with the three functions below and
//   extern const kernel_kit::Engine kForwardEngine;
// All text includes by path from providers/: #include "kernel_kit/device/ptx.cuh".
#pragma once

#include <attnbench/provider.hpp>

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kernel_kit/cell.h"

namespace kernel_kit {

// Whose memory: a tensor of the problem, or a part of the workspace.
enum class Operand {
  q,
  k,
  v,
  o,
  bias,
  grad_o,
  grad_q,
  grad_k,
  grad_v,
  scaled_lse,
  delta,
  grad_q_sum,
  grad_k_sum,
  grad_v_sum
};

enum class Swizzle { none, bytes_32, bytes_64, bytes_128 };

// A CUtensorMap before it has an address. Axes from the innermost; what lies outside reads as 0.
struct TensorMap {
  static constexpr int kMostAxes = 5;
  Operand operand{};
  int element_bytes = 2;  // 2: fp16 or bf16 as the cell has it; 4: fp32
  int num_axes = 4;
  std::array<int64_t, kMostAxes> extents{};
  std::array<int64_t, kMostAxes> strides{};  // in elements; strides[0] is 1
  std::array<int, kMostAxes> box{};
  Swizzle swizzle = Swizzle::bytes_128;
};

// A map of a problem's tensor with axes (column, row, head, batch): head_dim, seqlen, heads, batch;
// for the bias seqlen_kv, seqlen_q and 1 or heads, 1 or batch: the kernel passes 0 where it has 1.
// The swizzle is the box's width: 64 columns 128 B, 32 columns 64 B, 16 columns 32 B.
TensorMap map_of(const Problem& problem, Operand operand, int box_columns, int box_rows);

struct Size3 {
  unsigned x = 1, y = 1, z = 1;
};

// Parameters of the kernel: AttentionArguments, then `maps` in this order, each by value.
struct Launch {
  const char* kernel = "";  // extern "C": forward, backward_prepare, backward, backward_finish
  Size3 grid, block;
  Size3 cluster = {0, 0, 0};            // 0: none
  int dynamic_shared_memory_bytes = 0;  // more than the device has: the cell is refused
  std::vector<TensorMap> maps = {};
};

// How a problem is computed.
struct Recipe {
  std::vector<Launch> launches;  // one after the other on the stream
  // Bytes behind the pointers of the same names in AttentionArguments; 0: NULL. 1024-byte aligned,
  // undefined on entry: zeroing is a kernel's work.
  uint64_t scaled_lse_bytes = 0, delta_bytes = 0;
  uint64_t grad_q_sum_bytes = 0, grad_k_sum_bytes = 0, grad_v_sum_bytes = 0;
  uint64_t parts_bytes = 0;
  int num_counters = 0;
  DealtRound dealt = {};
  bool is_deterministic = true;  // equal inputs give equal bits
};

struct Engine {
  const char* name;    // [a-z0-9_]+, as "wgmma_tma_forward"
  const char* source;  // path of its text from providers/: "block_ptr/forward.cu"

  // Fills what the tile leaves open and `has_tails`, then attn::yes() or attn::refuse(why). Must be
  // quick. Shared memory is checked by the kit, from the recipe.
  attn::Answer (*accept)(const Problem& problem, Cell& cell);

  // "NAME=value" besides the standard ones (see `standard_defines`); may be nullptr.
  std::vector<std::string> (*defines)(const Cell& cell);

  Recipe (*recipe)(const Problem& problem, const Cell& cell);

  // Macros of its text that `Cell::switches` may set: what changes nothing that the host counts on.
  std::span<const char* const> switches = {};
};

// HEAD_DIM BLOCK_Q BLOCK_K NUM_WARPS NUM_STAGES, and as 0 or 1 IS_BF16 HAS_BIAS IS_CAUSAL HAS_TAILS
// IS_DETERMINISTIC; ARCH is the compute capability as 80, 90.
std::vector<std::string> standard_defines(const Cell& cell);

// Those, the engine's own, and the cell's switches in the place of what these say.
std::vector<std::string> all_defines(const Engine& engine, const Cell& cell);

// Parts of accept() that most engines share.
// Takes `fallback` for what the tile leaves open.
void fill(Tile& tile, const Tile& fallback);
// Does a length or head_dim leave part of a tile empty?
bool leaves_tails(const Problem& problem, const Cell& cell, int rows, int keys);

}  // namespace kernel_kit
