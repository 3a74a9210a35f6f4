// What the forward engines of sm_90a agree on, whether TMA or cp.async brings the tiles: which
// cells they serve, and with what tile.
#pragma once

#include "kernel_kit/device/forward_tile.h"
#include "kernel_kit/engine.h"

namespace kernel_kit {

// Of a cell whose tile is filled.
ForwardTile hopper_forward_tile(const Cell& cell);

// `cluster`: blocks at neighbouring tiles of queries, which share K and V.
attn::Answer accept_hopper_forward(const Problem& problem, Cell& cell, int cluster = 1);

// The same for a kernel whose blocks take their units from a counter: pays for causal tiles, which
// differ in length. The counter's zeroing is a launch more.
attn::Answer accept_counted_hopper_forward(const Problem& problem, Cell& cell);

// The tile with which pairs of tiles pay at head_dim 128 beside a bias: fills it in, unless another
// is asked for, pairs would add more than an eighth of empty rows, or they are less than a round.
bool take_tile_of_pairs(const Problem& problem, Cell& cell);

// How `units` of `steps` blocks of keys, `step_flop` each, are dealt out to `workers` (blocks or
// clusters), where their last round would leave workers idle; no sharers where that does not pay.
DealtRound deal_last_round(int64_t units, int64_t workers, int64_t steps, int64_t step_flop);

// What a kernel with a counter adds to its defines and to its recipe.
std::vector<std::string> counted(std::vector<std::string> defines);
Recipe counted(Recipe recipe);

// Design steps that can be switched; see forward_consumer.cuh. All but DEALS_LAST_ROUND, of which
// the host must know, are the kernel's text's alone.
inline constexpr const char* kHopperForwardSwitches[] = {
    "ALL_LANES_ARRIVE", "BIAS_FIRST", "DEALS_LAST_ROUND", "HEADS_TOGETHER", "LAZY_RESCALE",
    "OVERLAP",          "PING_PONG",  "SCALE_IN_Q",       "TRUST"};

// Who brings the tiles: it decides what a bias costs, and so what pays beside one.
enum class Loading { tma, cp_async };

// "BIAS_STAGES=2" and what else follows from the tile.
std::vector<std::string> hopper_forward_defines(const Cell& cell, Loading loading);

// A persistent grid of clusters, and what must go before it.
Recipe hopper_forward_recipe(const Problem& problem, const Cell& cell,
                             std::vector<TensorMap> maps = {}, int cluster = 1);

}  // namespace kernel_kit
