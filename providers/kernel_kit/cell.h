// What a kernel is compiled for (Cell), and what it is told at launch (Problem). Cells are few:
// what can vary at run time without costing time is no part of them, so that a cubin serves many
// problems.
#pragma once

#include <string>
#include <vector>

#include "kernel_kit/device/attention.h"

namespace kernel_kit {

// The GPU: compute capability as 80, 86, 90 and what a launch may count on.
struct Target {
  int compute_capability = 0;
  int shared_memory_bytes = 0;  // the most that a block may opt in to
  int num_multiprocessors = 0;

  bool has_wgmma() const { return compute_capability == 90; }  // and TMA, setmaxnreg, clusters
};

// 0: the engine chooses. What is asked for is honoured or refused, never replaced.
struct Tile {
  int block_q = 0, block_k = 0;
  int num_warps = 0;  // that compute; loading warps are the engine's business
  int num_stages = 0;
};

struct Cell {
  Target target;
  Tile tile;
  int head_dim = 0;  // 64, 128 or 256: the problem's, rounded up
  bool is_backward = false;
  bool is_bf16 = false;  // else fp16
  bool has_bias = false;
  bool is_causal = false;  // both kinds: Problem::arguments.diagonal tells them apart
  bool is_deterministic = false;
  bool has_tails = false;         // a length off its tile, or columns beyond the problem's head_dim
  bool deals_last_round = false;  // a persistent grid's last round of units, see DealtRound
  bool has_exact_scale = false;   // Q times it is as good as not rounded, in 16 bits
  std::vector<std::string> switches;  // "NAME=number": design steps of its engine, set by hand
};

struct Problem {
  AttentionArguments
      arguments;  // all but addresses; lse_* is 0 and `lse` NULL where none is wanted
  // The greatest power of two, up to 16, that divides address and strides in bytes.
  int row_alignment_bytes = 16;       // of Q, K, V, O and their gradients
  int bias_row_alignment_bytes = 16;  // of the bias

  int group() const { return arguments.heads / arguments.kv_heads; }
};

}  // namespace kernel_kit
