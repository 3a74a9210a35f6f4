#include "kernel_kit/hopper_forward.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string_view>

namespace kernel_kit {
namespace {

constexpr int kMostGroups = 4;
constexpr int kMostBiasStages = 2;
constexpr int kMostStages = 8;

int64_t ceil_divide(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

// What was fastest on an H200, where the tile leaves it open; the providers' READMEs tell the
// others.
struct Tuning {
  int block_k;
  bool trusts, begins_with_bias, takes_turns;  // TRUST, BIAS_FIRST, PING_PONG
};

Tuning tuning_of(const Cell& cell, int groups) {
  if (cell.head_dim == 64) {
    if (groups == kMostGroups) return {64, true, true, false};
    return {128, true, true, true};
  }
  if (cell.head_dim == 128) {
    if (cell.has_bias && groups == 2) return {128, true, true, true};
    if (cell.has_bias) return {64, false, true, true};
    return {cell.is_causal ? 80 : 64, true, false, false};
  }
  return {cell.is_causal && !cell.has_bias ? 80 : 64, false, true, false};
}

int block_k_of(const Cell& cell, int groups) {
  return cell.tile.block_k ? cell.tile.block_k : tuning_of(cell, groups).block_k;
}

// As for a cell whose tile is filled, but for these groups, stages and stages of bias.
ForwardTile tile_with(const Cell& cell, int groups, int stages, int bias_stages) {
  return {cell.head_dim, block_k_of(cell, groups), groups, stages, cell.has_bias, bias_stages};
}

int64_t num_units(const Problem& problem, const ForwardTile& tile, int cluster = 1) {
  const AttentionArguments& a = problem.arguments;
  return ceil_divide(a.seqlen_q, int64_t{tile.rows()} * cluster) * a.heads * a.batch;
}

// Blocks or clusters that run at a time.
int64_t num_workers(const Cell& cell, int cluster) {
  return std::max(1, cell.target.num_multiprocessors / cluster);
}

// What a switch is set to by hand.
int switch_of(const Cell& cell, std::string_view name, int fallback) {
  for (const std::string& given : cell.switches) {
    if (given.starts_with(name) && given[name.size()] == '=') {
      return std::atoi(given.c_str() + name.size() + 1);
    }
  }
  return fallback;
}

DealtRound dealt_round_of(const Problem& problem, const Cell& cell, const ForwardTile& tile,
                          int cluster) {
  // At head_dim 64 it was seen to lose up to 2 %.
  if (cell.is_causal || cell.head_dim == 64) return {};
  return deal_last_round(num_units(problem, tile, cluster), num_workers(cell, cluster),
                         ceil_divide(problem.arguments.seqlen_kv, tile.block_k),
                         int64_t{4} * tile.rows() * tile.block_k * tile.head_dim);
}

bool fits(const ForwardTile& tile, const Target& target) {
  return tile.bytes() <= target.shared_memory_bytes;
}

bool holds_tiles(int groups, int block_q) {
  return block_q == 0 || groups * ForwardTile::kGroupRows % block_q == 0;
}

// How many warpgroups share a block: more use a multiprocessor better, fewer make more blocks.
// Three or four that cannot overlap softmax and products are only taken where block_q leaves no
// choice. With a bias four were not seen to gain.
int best_groups(const Problem& problem, const Cell& cell) {
  constexpr double kRate[] = {0, 0.5, 0.85, 1.0, 1.03};  // of a multiprocessor, against three
  int best = 0;
  double best_time = std::numeric_limits<double>::infinity();
  for (const int groups : {4, 3, 2, 1}) {
    const ForwardTile tile = tile_with(cell, groups, 1, 1);
    const bool is_crowded = groups >= 3 && !tile.overlaps();
    if (!holds_tiles(groups, cell.tile.block_q)) continue;
    if (groups == kMostGroups && (is_crowded || cell.has_bias)) continue;
    const int64_t units = num_units(problem, tile);
    const double time = static_cast<double>(ceil_divide(units, cell.target.num_multiprocessors)) *
                        groups / kRate[groups];
    if (best == 0 || (time < best_time)) {
      best = groups;
      best_time = is_crowded ? std::numeric_limits<double>::infinity() : time;
    }
  }
  return std::max(best, 1);
}

// The deepest rings that shared memory has room for, as far as depth was seen to help.
int best_stages(const Cell& cell, int groups) {
  const int most = groups == kMostGroups && !cell.has_bias ? 6 : 3;
  for (const int bias_stages : {kMostBiasStages, 1}) {
    for (int stages = most; stages > 1; --stages) {
      if (fits(tile_with(cell, groups, stages, bias_stages), cell.target)) return stages;
    }
  }
  return 1;
}

void fill_tile(const Problem& problem, Cell& cell) {
  Tile& tile = cell.tile;
  if (tile.num_warps == 0) tile.num_warps = 4 * best_groups(problem, cell);
  const int groups = tile.num_warps / 4;
  tile.block_k = block_k_of(cell, groups);
  if (tile.num_stages == 0) tile.num_stages = best_stages(cell, groups);
  if (tile.block_q == 0) tile.block_q = groups * ForwardTile::kGroupRows;
}

attn::Answer check_tile(const Cell& cell) {
  const Tile& tile = cell.tile;
  const int groups = tile.num_warps / 4;
  if (tile.num_warps % 4 != 0 || groups < 1 || groups > kMostGroups) {
    return attn::refuse(ATTN_UNSUPPORTED_OPTIONS,
                        attn::text("wgmma wants num_warps in fours, up to ", 4 * kMostGroups,
                                   ", and gets ", tile.num_warps));
  }
  if (!holds_tiles(groups, tile.block_q)) {
    return attn::refuse(ATTN_UNSUPPORTED_OPTIONS,
                        attn::text(tile.num_warps, " warps compute ", groups * 64,
                                   " rows: no whole number of tiles of ", tile.block_q));
  }
  constexpr int kWidths[] = {32, 64, 80, 96, 128};
  if (std::find(std::begin(kWidths), std::end(kWidths), tile.block_k) == std::end(kWidths) ||
      tile.num_stages > kMostStages) {
    return attn::refuse(
        ATTN_UNSUPPORTED_OPTIONS,
        attn::text("wgmma serves block_k of 32, 64, 80, 96, 128 and num_stages up to ",
                   kMostStages));
  }
  const ForwardTile plan = hopper_forward_tile(cell);
  if (plan.least_registers() > plan.registers()) {
    return attn::refuse(ATTN_RESOURCE_REGISTERS,
                        attn::text("needs ", plan.least_registers(), " registers of a thread, ",
                                   tile.num_warps, " computing warps leave it ", plan.registers()));
  }
  return attn::yes();
}

// Whether fp16 keeps Q times this: a power of two, and none that drives Q into the subnormals or
// out of range. 1/16 is what head_dim 256 asks for.
bool is_exact_scale(float scale) {
  int exponent = 0;
  return std::frexp(scale, &exponent) == 0.5f && scale <= 1.0f && scale >= 0.0625f;
}

attn::Answer check_problem(const Problem& problem, const Cell& cell) {
  if (cell.is_backward || !cell.target.has_wgmma()) {
    return attn::refuse(ATTN_UNSUPPORTED_DEVICE, "this kernel is for sm_90a");
  }
  if (cell.has_bias && problem.bias_row_alignment_bytes < 16) {
    return attn::refuse(ATTN_UNSUPPORTED_LAYOUT,
                        attn::text("rows of the bias begin at multiples of ",
                                   problem.bias_row_alignment_bytes, " B, need 16"));
  }
  if (!(problem.arguments.scale > 0)) {
    return attn::refuse(ATTN_UNSUPPORTED_FEATURE, "the scale of the scores is not positive");
  }
  return attn::yes();
}

Recipe with_counters(Recipe recipe, int count) {
  recipe.num_counters = count;
  recipe.launches.insert(recipe.launches.begin(),
                         {.kernel = "forward_prepare", .grid = {1}, .block = {256}});
  return recipe;
}

}  // namespace

ForwardTile hopper_forward_tile(const Cell& cell) {
  const int groups = cell.tile.num_warps / 4, stages = cell.tile.num_stages;
  const ForwardTile roomy = tile_with(cell, groups, stages, kMostBiasStages);
  return fits(roomy, cell.target) ? roomy : tile_with(cell, groups, stages, 1);
}

DealtRound deal_last_round(int64_t units, int64_t workers, int64_t steps, int64_t step_flop) {
  constexpr int64_t kFewestSteps = 8, kLeastGain = 100;  // 1 / kLeastGain of the whole
  // What a part costs, its beginning, its end and its way to another block: about 10 us of a
  // multiprocessor.
  const int64_t cost = ceil_divide(45'000'000, step_flop);
  const int64_t rest = units % workers, total = rest * steps;
  const int64_t sharers = std::min(workers, total / kFewestSteps);
  if (sharers <= rest || units > std::numeric_limits<int32_t>::max() ||
      total > std::numeric_limits<int32_t>::max()) {
    return {};
  }
  const int64_t gain = steps - ceil_divide(total, sharers) - cost;
  if (gain <= 0 || gain * kLeastGain < ceil_divide(units, workers) * steps) return {};
  return {.first_unit = static_cast<int>(units - rest),
          .sharers = static_cast<int>(sharers),
          .steps = static_cast<int>(total / sharers),
          .longer = static_cast<int>(total % sharers)};
}

attn::Answer accept_hopper_forward(const Problem& problem, Cell& cell, int cluster) {
  attn::Answer answer = check_problem(problem, cell);
  if (answer.status != ATTN_OK) return answer;
  fill_tile(problem, cell);
  answer = check_tile(cell);
  if (answer.status != ATTN_OK) return answer;
  const ForwardTile tile = hopper_forward_tile(cell);
  cell.has_tails = leaves_tails(problem, cell, tile.rows() * cluster, tile.block_k);
  cell.has_exact_scale = is_exact_scale(problem.arguments.scale);
  const bool pays = dealt_round_of(problem, cell, tile, cluster).sharers > 0;
  const int asked = switch_of(cell, "DEALS_LAST_ROUND", pays ? 1 : 0);
  if (asked != 0 && !pays) {
    return attn::refuse(ATTN_UNSUPPORTED_OPTIONS,
                        "here is no last round that pays to be dealt out");
  }
  cell.deals_last_round = asked != 0;
  const int64_t units = num_units(problem, tile);
  if (units > std::numeric_limits<int32_t>::max() / 2) {
    return attn::refuse(ATTN_RESOURCE_GRID,
                        attn::text("has ", units, " tiles to number, too many"));
  }
  return attn::yes();
}

bool take_tile_of_pairs(const Problem& problem, Cell& cell) {
  constexpr int kGroups = 2, kBlockQ = kGroups * ForwardTile::kGroupRows, kBlockK = 128;
  constexpr int64_t kPairRows = 2 * kBlockQ;
  const int64_t rows = problem.arguments.seqlen_q;
  const int64_t padding = ceil_divide(rows, kPairRows) * kPairRows - rows;
  if (padding * 8 > rows) return false;
  Tile& tile = cell.tile;
  const auto is_open = [](int asked, int own) { return asked == 0 || asked == own; };
  if (!is_open(tile.block_q, kBlockQ) || !is_open(tile.block_k, kBlockK) ||
      !is_open(tile.num_warps, 4 * kGroups)) {
    return false;
  }
  const ForwardTile plan = tile_with(cell, kGroups, 1, 1);
  if (num_units(problem, plan, 2) * 2 < cell.target.num_multiprocessors) return false;
  tile.block_k = kBlockK;
  tile.num_warps = 4 * kGroups;
  return true;
}

attn::Answer accept_counted_hopper_forward(const Problem& problem, Cell& cell) {
  if (!cell.is_causal || cell.has_bias) {
    return attn::refuse(ATTN_UNSUPPORTED_FEATURE, "a counter of units pays for causal tiles");
  }
  const attn::Answer answer = accept_hopper_forward(problem, cell);
  if (answer.status != ATTN_OK) return answer;
  if (num_units(problem, hopper_forward_tile(cell)) <= cell.target.num_multiprocessors) {
    return attn::refuse(ATTN_UNSUPPORTED_FEATURE, "every unit has a block of its own");
  }
  return attn::yes();
}

std::vector<std::string> counted(std::vector<std::string> defines) {
  defines.push_back("TAKE_UNITS=1");
  return defines;
}

Recipe counted(Recipe recipe) {
  return with_counters(std::move(recipe), 1);
}

std::vector<std::string> hopper_forward_defines(const Cell& cell, Loading loading) {
  const Tuning tuning = tuning_of(cell, cell.tile.num_warps / 4);
  const bool is_copied = loading == Loading::cp_async;
  const int bias_stages = hopper_forward_tile(cell).bias_stages;
  const bool begins_with_bias = cell.has_bias && !cell.is_bf16 && tuning.begins_with_bias &&
                                bias_stages > 1 && !(is_copied && cell.head_dim == 256);
  // With a bias trust was seen to lose under TMA, but at head_dim 128; in bf16, or beside a mask,
  // 100 B and more spill.
  const bool trusts_here =
      (is_copied || cell.head_dim == 128) && begins_with_bias && !cell.is_causal;
  const bool trusts = tuning.trusts && (!cell.has_bias || trusts_here);
  const bool scales_q = begins_with_bias && cell.has_exact_scale;
  return {attn::text("BIAS_STAGES=", bias_stages),
          attn::text("TRUST=", trusts ? 1 : 0),
          attn::text("BIAS_FIRST=", begins_with_bias ? 1 : 0),
          attn::text("SCALE_IN_Q=", scales_q ? 1 : 0),
          attn::text("PING_PONG=", tuning.takes_turns ? 1 : 0),
          attn::text("DEALS_LAST_ROUND=", cell.deals_last_round ? 1 : 0)};
}

Recipe hopper_forward_recipe(const Problem& problem, const Cell& cell, std::vector<TensorMap> maps,
                             int cluster) {
  const ForwardTile tile = hopper_forward_tile(cell);
  const int64_t workers = num_workers(cell, cluster);
  Recipe recipe;
  if (cell.deals_last_round) recipe.dealt = dealt_round_of(problem, cell, tile, cluster);
  const DealtRound& dealt = recipe.dealt;
  const int64_t busy = std::max<int64_t>(num_units(problem, tile, cluster), dealt.sharers);
  Launch launch;
  launch.kernel = "forward";
  launch.grid = {static_cast<unsigned>(std::min(busy, workers) * cluster)};
  launch.block = {static_cast<unsigned>(tile.threads())};
  if (cluster > 1) launch.cluster = {static_cast<unsigned>(cluster)};
  launch.dynamic_shared_memory_bytes = tile.bytes();
  launch.maps = std::move(maps);
  recipe.launches = {std::move(launch)};
  if (dealt.sharers == 0) return recipe;
  const int warps = dealt.sharers * cluster * tile.warps();
  recipe.parts_bytes = uint64_t{static_cast<unsigned>(warps)} * tile.part_bytes_of_warp();
  return with_counters(std::move(recipe), warps);
}

}  // namespace kernel_kit
