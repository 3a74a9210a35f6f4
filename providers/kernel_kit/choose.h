// Which engine serves a problem, with which tile.
#pragma once

#include <attnbench/provider.hpp>
#include <span>

#include "kernel_kit/engine.h"

namespace kernel_kit {

struct Choice {
  attn::Answer answer = {};  // why none does; the rest holds only if its status is ATTN_OK
  const Engine* engine = nullptr;
  Cell cell;  // nothing left open
  Recipe recipe = {};
};

// The first that accepts the cell and fits into the device's shared memory; else the last one's
// words.
Choice choose(std::span<const Engine* const> engines, const Problem& problem, const Cell& asked);

}  // namespace kernel_kit
