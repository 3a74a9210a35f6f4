#include "kernel_kit/mma_engines.h"

#include <algorithm>
#include <initializer_list>
#include <limits>

#include "kernel_kit/device/mma_backward_tile.h"
#include "kernel_kit/device/mma_forward_tile.h"

namespace kernel_kit {
namespace {

constexpr int kMostRegisters = 255;  // of a thread
constexpr int kMostStages = 4;

int tiles_of(int length, int block) {
  return (length + block - 1) / block;
}

MmaForwardTile forward_tile(const Cell& cell) {
  const Tile& tile = cell.tile;
  return {tile.block_q,   tile.block_k,    cell.head_dim,
          tile.num_warps, tile.num_stages, cell.has_bias};
}

MmaBackwardTile backward_tile(const Cell& cell) {
  const Tile& tile = cell.tile;
  return {tile.block_q,   tile.block_k,    cell.head_dim,
          tile.num_warps, tile.num_stages, cell.has_bias};
}

int shared_bytes(const Cell& cell) {
  if (!cell.is_backward) return forward_tile(cell).shared_bytes();
  const MmaBackwardTile tile = backward_tile(cell);
  return std::max(
      {tile.shared_bytes(), tile.row_bytes(), cell.is_deterministic ? tile.walk_bytes() : 0});
}

bool matches(const Tile& asked, const Tile& tile) {
  return (asked.block_q == 0 || asked.block_q == tile.block_q) &&
         (asked.block_k == 0 || asked.block_k == tile.block_k) &&
         (asked.num_stages == 0 || asked.num_stages == tile.num_stages);
}

// Best first; what was asked for and what fits decides. Warps are left open.
std::vector<Tile> candidates(const Cell& cell, int most_q, int most_k) {
  std::vector<Tile> tiles;
  const auto add = [&](int block_q, int block_k, std::initializer_list<int> stages) {
    for (const int num_stages : stages) {
      tiles.push_back({.block_q = block_q, .block_k = block_k, .num_stages = num_stages});
    }
  };
  if (cell.is_backward) {
    if (cell.head_dim == 64) add(64, 64, {2});
    if (cell.head_dim == 128) add(64, 128, {2}), add(64, 64, {2, 1});
    if (cell.head_dim == 256) add(64, 64, {2, 1}), add(32, 64, {2, 1});
  } else {
    if (cell.head_dim == 64) add(128, 64, {2, 1}), add(64, 128, {2});
    if (cell.head_dim == 128 && !cell.has_bias) add(128, 64, {1});
    if (cell.head_dim == 128) add(128, 32, {2, 1}), add(64, 128, {2});
    if (cell.head_dim == 256) add(128, 64, {1}), add(64, 64, {1}), add(64, 32, {1});
  }
  std::erase_if(tiles, [&](const Tile& t) { return t.block_q > most_q || t.block_k > most_k; });
  // At head_dim 256 a second stage costs the forward kernel more blocks per multiprocessor than it
  // is worth.
  const std::initializer_list<int> stages = {2, 1}, one_first = {1, 2};
  const auto& usual = cell.head_dim == 256 && !cell.is_backward ? one_first : stages;
  for (const int block_k : {64, 32, 128}) {
    for (const int block_q : {64, 32, 128}) {
      if (block_q <= most_q && block_k <= most_k) add(block_q, block_k, usual);
    }
  }
  for (const int block_q : {32, 64, 128}) {
    for (const int block_k : {32, 64, 128}) add(block_q, block_k, usual);
  }
  return tiles;
}

// How many blocks a tile of `block` along the axis over which blocks are spread makes.
int64_t num_blocks(const Problem& problem, const Cell& cell, int block) {
  const AttentionArguments& a = problem.arguments;
  const int64_t heads = cell.is_backward ? a.kv_heads : a.heads;
  return tiles_of(cell.is_backward ? a.seqlen_kv : a.seqlen_q, block) * heads * a.batch;
}

// The largest tile along that axis that leaves few multiprocessors idle, and few of its rows empty.
int most_of_block(const Problem& problem, const Cell& cell) {
  const int length = cell.is_backward ? problem.arguments.seqlen_kv : problem.arguments.seqlen_q;
  int most = 128;
  while (most > 32 && (length <= most / 2 ||
                       num_blocks(problem, cell, most) < cell.target.num_multiprocessors * 3 / 4)) {
    most /= 2;
  }
  return most;
}

// Fewer warps with more rows each read shared memory less, if their sums fit a thread's registers;
// with one block per multiprocessor the number of warps counts more.
int usual_warps(const Problem& problem, const Cell& cell) {
  const Tile& tile = cell.tile;
  if (!cell.is_backward) {
    Cell two = cell;
    two.tile.num_warps = tile.block_q / 32;
    const bool takes_two =
        tile.block_q > 32 && forward_tile(two).kept_per_thread() <= (cell.has_bias ? 160 : 192);
    return tile.block_q / (takes_two ? 32 : 16);
  }
  Cell narrow = cell;
  narrow.tile.num_warps = 4;
  const bool is_crowded = num_blocks(problem, cell, tile.block_k) > cell.target.num_multiprocessors;
  const int most_sums = cell.has_bias ? 160 : 192;
  const bool fits = is_crowded && backward_tile(narrow).sums_per_thread() <= most_sums;
  return fits ? 4 : std::min(8, tile.block_q * tile.block_k / 256);
}

// Fills what is open with the first candidate that fits, or if none does with the one that needs
// least: its need is then the answer.
void choose_tile(const Problem& problem, Cell& cell) {
  const int most = most_of_block(problem, cell);
  const int most_q = cell.is_backward ? 128 : most, most_k = cell.is_backward ? most : 128;
  const Tile asked = cell.tile;
  Tile chosen = {};
  int least_bytes = std::numeric_limits<int>::max();
  for (const Tile& candidate : candidates(cell, most_q, most_k)) {
    if (!matches(asked, candidate)) continue;
    cell.tile = candidate;
    const int bytes = shared_bytes(cell);
    if (bytes < least_bytes) least_bytes = bytes, chosen = candidate;
    if (bytes <= cell.target.shared_memory_bytes) {
      chosen = candidate;
      break;
    }
  }
  cell.tile = asked;
  fill(cell.tile, chosen);
  if (cell.tile.num_warps == 0) cell.tile.num_warps = usual_warps(problem, cell);
}

bool is_block(int extent) {
  return extent == 32 || extent == 64 || extent == 128;
}

bool divides(const WarpGrid& grid, int rows, int columns) {
  return rows % (16 * grid.rows) == 0 && columns % (16 * grid.columns) == 0;
}

bool has_possible_warps(const Cell& cell) {
  const Tile& tile = cell.tile;
  if (!cell.is_backward) {
    return tile.num_warps >= 2 &&
           (tile.num_warps * 16 == tile.block_q || tile.num_warps * 32 == tile.block_q);
  }
  if (tile.num_warps != 4 && tile.num_warps != 8) return false;
  const auto can_share = [&](int rows, int columns) {
    return divides(WarpGrid::of(tile.num_warps, rows, columns), rows, columns);
  };
  return can_share(tile.block_q, tile.block_k) && can_share(tile.block_k, cell.head_dim) &&
         can_share(tile.block_q, backward_tile(cell).query_columns());
}

// Grids have one axis: the kernels divide their number.
attn::Answer check_grid(const Problem& problem, const Cell& cell) {
  const AttentionArguments& a = problem.arguments;
  const int64_t of_rows =
      tiles_of(a.seqlen_q, cell.is_backward ? MmaPrepareTile::kRows : cell.tile.block_q) + 3;
  const int64_t of_keys = cell.is_backward ? tiles_of(a.seqlen_kv, cell.tile.block_k) : 0;
  const int64_t blocks = int64_t{a.batch} * a.heads * std::max(of_rows, of_keys);
  constexpr int64_t kMostBlocks = std::numeric_limits<int32_t>::max();
  if (blocks <= kMostBlocks) return attn::yes();
  return attn::refuse(ATTN_RESOURCE_GRID,
                      attn::text("needs a grid of ", blocks, " blocks, at most ", kMostBlocks));
}

attn::Answer accept(const Problem& problem, Cell& cell) {
  if (problem.arguments.scale < 0) {
    return attn::refuse(ATTN_UNSUPPORTED_FEATURE, "the scale of the scores is negative");
  }
  choose_tile(problem, cell);
  const Tile& tile = cell.tile;
  if (!is_block(tile.block_q) || !is_block(tile.block_k) || tile.num_stages > kMostStages ||
      (cell.is_backward && tile.num_stages > 2)) {
    return attn::refuse(
        ATTN_UNSUPPORTED_OPTIONS,
        attn::text("mma.sync serves block_q, block_k of 32, 64, 128 and num_stages ", "up to ",
                   cell.is_backward ? 2 : kMostStages));
  }
  if (!has_possible_warps(cell)) {
    return attn::refuse(
        ATTN_UNSUPPORTED_OPTIONS,
        attn::text(
            "num_warps ", tile.num_warps, " cannot share a tile of ", tile.block_q, " x ",
            tile.block_k, ": ",
            cell.is_backward ? "4 or 8 can" : "block_q / 16 can, or block_q / 32 from 2 on"));
  }
  // Sums leave room for operands and addresses, or the kernel lives in spilled memory.
  const int sums = cell.is_backward ? backward_tile(cell).sums_per_thread()
                                    : forward_tile(cell).sums_per_thread();
  constexpr int kOthers = 31;
  if (sums + kOthers > kMostRegisters) {
    return attn::refuse(ATTN_RESOURCE_REGISTERS,
                        attn::text("needs ", sums, " registers of a thread for sums alone and ",
                                   kOthers, " others, a thread has ", kMostRegisters));
  }
  cell.has_tails = leaves_tails(problem, cell, tile.block_q, tile.block_k);
  return check_grid(problem, cell);
}

unsigned blocks(int64_t tiles, int64_t heads, int64_t batch) {
  return static_cast<unsigned>(tiles * heads * batch);
}

Size3 threads(int count) {
  return {static_cast<unsigned>(count)};
}

Recipe forward_recipe(const Problem& problem, const Cell& cell) {
  const AttentionArguments& a = problem.arguments;
  const MmaForwardTile tile = forward_tile(cell);
  Recipe recipe;
  recipe.launches.push_back({.kernel = "forward",
                             .grid = {blocks(tiles_of(a.seqlen_q, tile.block_q), a.heads, a.batch)},
                             .block = threads(tile.threads()),
                             .dynamic_shared_memory_bytes = tile.shared_bytes()});
  return recipe;
}

Recipe backward_recipe(const Problem& problem, const Cell& cell) {
  const AttentionArguments& a = problem.arguments;
  const MmaBackwardTile tile = backward_tile(cell);
  const int row_tiles = tile.row_tiles(a.seqlen_q);
  const int64_t rows = int64_t{a.batch} * a.heads * tile.padded_rows(a.seqlen_q);
  Recipe recipe;
  recipe.launches = {
      {.kernel = "backward_prepare",
       .grid = {static_cast<unsigned>(rows / MmaPrepareTile::kRows)},
       .block = threads(MmaPrepareTile::kThreads)},
      {.kernel = "backward",
       .grid = {blocks(tiles_of(a.seqlen_kv, tile.block_k), a.kv_heads, a.batch)},
       .block = threads(tile.threads()),
       .dynamic_shared_memory_bytes = tile.shared_bytes()},
      {.kernel = "backward_finish",
       .grid = {blocks(row_tiles, a.heads, a.batch)},
       .block = threads(cell.is_deterministic ? 32 * tile.walk_warps() : tile.threads()),
       .dynamic_shared_memory_bytes =
           cell.is_deterministic ? tile.walk_bytes() : tile.row_bytes()}};
  recipe.scaled_lse_bytes = recipe.delta_bytes = static_cast<uint64_t>(rows) * sizeof(float);
  if (!cell.is_deterministic) {
    recipe.grad_q_sum_bytes =
        static_cast<uint64_t>(rows) * static_cast<uint64_t>(cell.head_dim) * sizeof(float);
  }
  recipe.is_deterministic = cell.is_deterministic;
  return recipe;
}

}  // namespace

Engine mma_forward_engine(const char* source) {
  return {"mma_forward", source, accept, nullptr, forward_recipe};
}

Engine mma_backward_engine(const char* source) {
  return {"mma_backward", source, accept, nullptr, backward_recipe};
}

}  // namespace kernel_kit
