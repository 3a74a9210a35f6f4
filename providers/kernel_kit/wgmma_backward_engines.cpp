#include "kernel_kit/wgmma_backward_engines.h"

#include <limits>

#include "kernel_kit/device/backward_tile.h"

namespace kernel_kit {
namespace {

constexpr int kStatisticsThreads = 256;
constexpr int kRowsOfPrepare = 64;

// What was fastest on an H100; the READMEs of the providers tell the others.
struct Tuning {
  int head_dim;
  bool has_bias;
  int stages, grad_o_stages, grad_scores_stages;
  bool adds_grad_q_in_bulk;
  int heads_together;
};
constexpr Tuning kTunings[] = {
    {64, false, 3, 3, 2, false, 1}, {64, false, 2, 2, 3, false, 1},  {128, false, 3, 2, 2, true, 1},
    {128, false, 2, 2, 3, true, 1}, {256, false, 2, 2, 2, false, 1}, {64, true, 2, 2, 2, false, 8},
    {128, true, 2, 2, 3, false, 4}, {256, true, 2, 2, 1, false, 2},
};

// The one for as many stages as asked for, else the first of its head_dim; nullptr: none has them.
const Tuning* tuning_of(const Cell& cell) {
  for (const Tuning& tuning : kTunings) {
    if (tuning.head_dim == cell.head_dim && tuning.has_bias == cell.has_bias &&
        (cell.tile.num_stages == 0 || cell.tile.num_stages == tuning.stages)) {
      return &tuning;
    }
  }
  return nullptr;
}

BackwardTile tile_of(const Cell& cell, const Tuning& tuning) {
  return {cell.head_dim,
          cell.has_bias,
          tuning.stages,
          tuning.grad_o_stages,
          tuning.grad_scores_stages,
          tuning.adds_grad_q_in_bulk};
}

// Registers of a computing thread for another tile: sums of dK and dV of the keys, S and dP, each
// 1 / 256 of a tile's; what a step needs besides is half a tile of P and dS in 16 bits, and dQ.
attn::Answer refuse_tile(const Cell& cell, const BackwardTile& served) {
  const Tile& tile = cell.tile;
  const int sums = 2 * tile.block_k * cell.head_dim / 256;
  const int scores = 2 * tile.block_q * tile.block_k / 256 + tile.block_q * tile.block_k / 256;
  const int grad_q = tile.block_q * cell.head_dim / 256;
  const int needed = sums + scores + grad_q;
  constexpr int kOthers = 32, kMost = 240;
  if (needed + kOthers > kMost) {
    return attn::refuse(ATTN_RESOURCE_REGISTERS,
                        attn::text("needs ", needed, " registers of a thread for tiles and ",
                                   kOthers, " others, a computing thread has ", kMost));
  }
  return attn::refuse(
      ATTN_UNSUPPORTED_OPTIONS,
      attn::text("wgmma computes gradients of head_dim ", cell.head_dim, " by tiles of ",
                 served.block_q(), " x ", served.block_k(), " with 8 warps"));
}

bool is_open_or(int asked, int served) {
  return asked == 0 || asked == served;
}

attn::Answer accept_layout(const Problem& problem, const Cell& cell) {
  if (!cell.target.has_wgmma()) {
    return attn::refuse(ATTN_UNSUPPORTED_DEVICE, "wgmma needs compute capability 9.0");
  }
  if (cell.is_deterministic) {
    return attn::refuse(ATTN_UNSUPPORTED_FEATURE,
                        "dQ is summed in the order in which blocks finish");
  }
  if (problem.row_alignment_bytes < 16 ||
      (cell.has_bias && problem.bias_row_alignment_bytes < 16)) {
    return attn::refuse(ATTN_UNSUPPORTED_LAYOUT, "rows must begin at multiples of 16 bytes");
  }
  return attn::yes();
}

// But for `has_tails`.
attn::Answer accept_tile(const Problem& problem, Cell& cell) {
  if (attn::Answer answer = accept_layout(problem, cell); answer.status != ATTN_OK) return answer;
  const Tuning* const tuning = tuning_of(cell);
  if (!tuning) {
    return attn::refuse(ATTN_UNSUPPORTED_OPTIONS, "wgmma computes gradients in 2 or 3 stages");
  }
  const BackwardTile tile = tile_of(cell, *tuning);
  const Tile served = {tile.block_q(), tile.block_k(), 8, tuning->stages};
  const Tile asked = cell.tile;
  fill(cell.tile, served);
  if (!is_open_or(asked.block_q, served.block_q) || !is_open_or(asked.block_k, served.block_k) ||
      !is_open_or(asked.num_warps, served.num_warps)) {
    return refuse_tile(cell, tile);
  }
  const AttentionArguments& a = problem.arguments;
  const int64_t blocks =
      int64_t{a.batch} * a.heads *
      std::max(tile.padded_queries(a.seqlen_q) / kRowsOfPrepare, tile.key_blocks(a.seqlen_kv));
  if (blocks <= std::numeric_limits<int32_t>::max()) return attn::yes();
  return attn::refuse(ATTN_RESOURCE_GRID, attn::text("needs a grid of ", blocks, " blocks"));
}

attn::Answer accept_tma(const Problem& problem, Cell& cell) {
  const attn::Answer answer = accept_tile(problem, cell);
  if (answer.status != ATTN_OK) return answer;
  // What else lies outside a tensor TMA reads as zeros and does not write.
  cell.has_tails = problem.arguments.seqlen_kv % cell.tile.block_k != 0;
  return answer;
}

attn::Answer accept_cp_async(const Problem& problem, Cell& cell) {
  const attn::Answer answer = accept_tile(problem, cell);
  if (answer.status != ATTN_OK) return answer;
  cell.has_tails = leaves_tails(problem, cell, cell.tile.block_q, cell.tile.block_k);
  return answer;
}

// To which the last wave of blocks is dealt out: none where they end in a descending order anyway.
int multiprocessors_of(const Cell& cell) {
  return cell.is_causal ? 0 : cell.target.num_multiprocessors;
}

std::vector<std::string> defines(const Cell& cell) {
  const Tuning& tuning = *tuning_of(cell);
  // Causal blocks of several heads in one descending order leave a shorter end.
  const int together = cell.is_causal && !cell.has_bias ? 2 : tuning.heads_together;
  return {attn::text("GRAD_O_STAGES=", tuning.grad_o_stages),
          attn::text("GRAD_SCORES_STAGES=", tuning.grad_scores_stages),
          attn::text("GRAD_Q_IN_BULK=", tuning.adds_grad_q_in_bulk ? 1 : 0),
          attn::text("HEADS_TOGETHER=", together),
          attn::text("MULTIPROCESSORS=", multiprocessors_of(cell))};
}

Recipe cp_async_recipe(const Problem& problem, const Cell& cell) {
  const AttentionArguments& a = problem.arguments;
  const BackwardTile tile = tile_of(cell, *tuning_of(cell));
  const int64_t heads = int64_t{a.batch} * a.heads;
  const int64_t rows = heads * tile.padded_queries(a.seqlen_q);
  const auto grid = [](int64_t blocks) { return Size3{static_cast<unsigned>(blocks)}; };
  const int key_blocks = tile.key_blocks(a.seqlen_kv) * a.kv_heads * a.batch;
  const LastWave wave = LastWave::of(key_blocks, multiprocessors_of(cell),
                                     problem.group() * tile.query_blocks(a.seqlen_q));
  const int64_t sums_of_dealt = 2 * wave.dealt;  // dK and dV
  Recipe recipe;
  recipe.launches = {{.kernel = "backward_prepare",
                      .grid = grid(rows / kRowsOfPrepare + sums_of_dealt),
                      .block = {kStatisticsThreads}},
                     {.kernel = "backward",
                      .grid = grid(wave.grid()),
                      .block = {static_cast<unsigned>(tile.threads())},
                      .dynamic_shared_memory_bytes = tile.shared_bytes()},
                     {.kernel = "backward_finish",
                      .grid = grid(heads * tile.query_blocks(a.seqlen_q) + sums_of_dealt),
                      .block = {kStatisticsThreads}}};
  const auto bytes_of = [](int64_t floats) {
    return static_cast<uint64_t>(floats) * sizeof(float);
  };
  recipe.scaled_lse_bytes = recipe.delta_bytes = bytes_of(rows);
  recipe.grad_q_sum_bytes = bytes_of(rows * cell.head_dim);
  recipe.grad_k_sum_bytes = recipe.grad_v_sum_bytes =
      bytes_of(int64_t{wave.dealt} * tile.block_k() * cell.head_dim);
  recipe.is_deterministic = false;
  return recipe;
}

Recipe tma_recipe(const Problem& problem, const Cell& cell) {
  Recipe recipe = cp_async_recipe(problem, cell);
  const int block_q = cell.tile.block_q;
  std::vector<TensorMap>& maps = recipe.launches[1].maps;
  maps = {map_of(problem, Operand::q, 64, block_q), map_of(problem, Operand::k, 64, 64),
          map_of(problem, Operand::v, 64, 64),      map_of(problem, Operand::grad_o, 64, block_q),
          map_of(problem, Operand::grad_k, 64, 64), map_of(problem, Operand::grad_v, 64, 64)};
  if (cell.has_bias) maps.push_back(map_of(problem, Operand::bias, 64, block_q));
  return recipe;
}

constexpr const char* kSwitches[] = {"ALL_LANES_ARRIVE", "HEADS_TOGETHER"};

}  // namespace

Engine tma_backward_engine(const char* source) {
  return {"wgmma_tma_backward", source, accept_tma, defines, tma_recipe, kSwitches};
}

Engine cp_async_backward_engine(const char* source) {
  return {"wgmma_cp_async_backward", source, accept_cp_async, defines, cp_async_recipe, kSwitches};
}

}  // namespace kernel_kit
