// What the forward engines of sm_90a agree on, whether TMA or cp.async brings the tiles: which
// cells they serve, and with what tile.
#pragma once

#include "kernel_kit/device/forward_tile.h"
#include "kernel_kit/engine.h"

namespace kernel_kit {

// Of a cell whose tile is filled.
ForwardTile hopper_forward_tile(const Cell& cell);

// `cluster_q`: blocks that must divide the tiles of queries among them.
attn::Answer accept_hopper_forward(const Problem& problem, Cell& cell, int cluster_q = 1);

// The same for a kernel whose blocks take their units from a counter: pays for causal tiles, which
// differ in length. The counter's zeroing is a launch more.
attn::Answer accept_counted_hopper_forward(const Problem& problem, Cell& cell);

// What such a kernel adds to its defines and to its recipe.
std::vector<std::string> counted(std::vector<std::string> defines);
Recipe counted(Recipe recipe);

// Design steps that only the kernel's text knows of; see forward_consumer.cuh.
inline constexpr const char* kHopperForwardSwitches[] = {
    "ALL_LANES_ARRIVE", "BIAS_FIRST", "HEADS_TOGETHER", "LAZY_RESCALE",
    "OVERLAP",          "PING_PONG",  "SCALE_IN_Q",     "TRUST"};

// Who brings the tiles: it decides what a bias costs, and so what pays beside one.
enum class Loading { tma, cp_async };

// "BIAS_STAGES=2" and what else follows from the tile.
std::vector<std::string> hopper_forward_defines(const Cell& cell, Loading loading);

// A persistent grid of clusters; without maps.
Launch hopper_forward_launch(const Problem& problem, const Cell& cell, int cluster_q = 1,
                             int cluster_heads = 1);

}  // namespace kernel_kit
