#include "block_ptr/forward_engine.h"

#include "kernel_kit/hopper_forward.h"

namespace block_ptr {
namespace {

using kernel_kit::Cell;
using kernel_kit::Operand;
using kernel_kit::Problem;
using kernel_kit::Recipe;

constexpr int kQueryPairs = 2, kAlone = 1;  // blocks of a cluster, at neighbouring tiles

template <int kCluster>
std::vector<std::string> defines(const Cell& cell) {
  std::vector<std::string> list =
      kernel_kit::hopper_forward_defines(cell, kernel_kit::Loading::tma);
  list.push_back(attn::text("CLUSTER_Q=", kCluster));
  return list;
}

template <int kCluster>
Recipe recipe(const Problem& problem, const Cell& cell) {
  const ForwardTile tile = kernel_kit::hopper_forward_tile(cell);
  const auto map = [&](Operand operand, int columns, int rows) {
    return kernel_kit::map_of(problem, operand, columns, rows);
  };
  const int columns = ForwardTile::kPageColumns;
  std::vector<kernel_kit::TensorMap> maps = {map(Operand::q, columns, tile.rows()),
                                             map(Operand::k, columns, tile.block_k / kCluster),
                                             map(Operand::v, columns, tile.block_k / kCluster)};
  if (cell.has_bias) {
    const int rows = ForwardTile::kGroupRows, rest = tile.block_k % columns;
    maps.push_back(map(Operand::bias, columns, rows));
    maps.push_back(map(Operand::bias, rest ? rest : columns, rows));
  }
  return kernel_kit::hopper_forward_recipe(problem, cell, std::move(maps), kCluster);
}

attn::Answer accept(const Problem& problem, Cell& cell) {
  return kernel_kit::accept_hopper_forward(problem, cell);
}

// Beside a bias, which each tile has for itself, two blocks share K and V. At head_dim 128 that
// pays with tiles of its own, where there are enough of them.
attn::Answer accept_query_pairs(const Problem& problem, Cell& cell) {
  if (!cell.has_bias || cell.is_causal || cell.head_dim == 64) {
    return attn::refuse(ATTN_UNSUPPORTED_FEATURE, "pairs of tiles must see the same keys");
  }
  if (cell.head_dim == 128 && !kernel_kit::take_tile_of_pairs(problem, cell)) {
    return attn::refuse(ATTN_UNSUPPORTED_OPTIONS, "tiles of another size are not paired");
  }
  return kernel_kit::accept_hopper_forward(problem, cell, kQueryPairs);
}

std::vector<std::string> counted_defines(const Cell& cell) {
  return kernel_kit::counted(defines<kAlone>(cell));
}

Recipe counted_recipe(const Problem& problem, const Cell& cell) {
  return kernel_kit::counted(recipe<kAlone>(problem, cell));
}

constexpr const char* kSource = "block_ptr/forward.cu";

}  // namespace

const kernel_kit::Engine kForwardQueryPairs = {"wgmma_tma_forward_query_pairs",
                                               kSource,
                                               accept_query_pairs,
                                               defines<kQueryPairs>,
                                               recipe<kQueryPairs>,
                                               kernel_kit::kHopperForwardSwitches};
const kernel_kit::Engine kTmaForwardCounted = {"wgmma_tma_forward_counted",
                                               kSource,
                                               kernel_kit::accept_counted_hopper_forward,
                                               counted_defines,
                                               counted_recipe,
                                               kernel_kit::kHopperForwardSwitches};
const kernel_kit::Engine kTmaForward = {
    "wgmma_tma_forward", kSource,        accept,
    defines<kAlone>,     recipe<kAlone>, kernel_kit::kHopperForwardSwitches};

}  // namespace block_ptr
