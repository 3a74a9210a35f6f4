#include "ptr_block/forward_engine.h"

#include "kernel_kit/hopper_forward.h"

namespace ptr_block {
namespace {

using kernel_kit::Cell;
using kernel_kit::Problem;
using kernel_kit::Recipe;

attn::Answer accept(const Problem& problem, Cell& cell) {
  return kernel_kit::accept_hopper_forward(problem, cell);
}

Recipe recipe(const Problem& problem, const Cell& cell) {
  return kernel_kit::hopper_forward_recipe(problem, cell);
}

std::vector<std::string> defines(const Cell& cell) {
  return kernel_kit::hopper_forward_defines(cell, kernel_kit::Loading::cp_async);
}

std::vector<std::string> counted_defines(const Cell& cell) {
  return kernel_kit::counted(defines(cell));
}

Recipe counted_recipe(const Problem& problem, const Cell& cell) {
  return kernel_kit::counted(recipe(problem, cell));
}

constexpr const char* kSource = "ptr_block/forward.cu";

}  // namespace

const kernel_kit::Engine kCpAsyncForwardCounted = {"wgmma_cp_async_forward_counted",
                                                   kSource,
                                                   kernel_kit::accept_counted_hopper_forward,
                                                   counted_defines,
                                                   counted_recipe,
                                                   kernel_kit::kHopperForwardSwitches};
const kernel_kit::Engine kCpAsyncForward = {
    "wgmma_cp_async_forward", kSource, accept, defines, recipe, kernel_kit::kHopperForwardSwitches};

}  // namespace ptr_block
