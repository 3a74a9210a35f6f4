// From attnbench's question to a problem and the cell that it asks for.
#pragma once

#include <attnbench/provider.hpp>

#include "kernel_kit/cell.h"

namespace kernel_kit {

// What none of our kernels can: attn::yes(), or why not.
attn::Answer check_request(const attn::PlanRequest& request);

// Of a request that check_request accepts.
Problem problem_of(const attn::PlanRequest& request);

// Tile as the options ask for, `has_tails` open.
Cell cell_of(const attn::PlanRequest& request, const Target& target);

}  // namespace kernel_kit
