#include "kernel_kit/choose.h"

#include <algorithm>

namespace kernel_kit {
namespace {

constexpr unsigned kMostBlocksYZ = 65535;

attn::Answer check_launches(const Recipe& recipe, const Target& target) {
  int needed = 0;
  for (const Launch& launch : recipe.launches) {
    needed = std::max(needed, launch.dynamic_shared_memory_bytes);
    if (std::max(launch.grid.y, launch.grid.z) <= kMostBlocksYZ) continue;
    return attn::refuse(
        ATTN_RESOURCE_GRID,
        attn::text(launch.kernel, " needs a grid of ", launch.grid.x, " x ", launch.grid.y, " x ",
                   launch.grid.z, " blocks, at most ", kMostBlocksYZ, " along y and z"));
  }
  if (needed <= target.shared_memory_bytes) return attn::yes();
  return attn::refuse(ATTN_RESOURCE_SHARED_MEMORY,
                      attn::text("needs ", needed, " B of shared memory, device offers ",
                                 target.shared_memory_bytes, " B"));
}

attn::Answer check_switches(const Engine& engine, const Cell& cell) {
  for (const std::string& given : cell.switches) {
    const std::string name = given.substr(0, given.find('='));
    if (std::find(engine.switches.begin(), engine.switches.end(), name) != engine.switches.end()) {
      continue;
    }
    std::string known;
    for (const char* const each : engine.switches)
      known += (known.empty() ? "" : ", ") + std::string(each);
    return attn::refuse(ATTN_UNSUPPORTED_OPTIONS,
                        attn::text(engine.name, " has no switch ", name, "; it has ",
                                   known.empty() ? "none" : known));
  }
  return attn::yes();
}

}  // namespace

Choice choose(std::span<const Engine* const> engines, const Problem& problem, const Cell& asked) {
  Choice choice{.cell = asked};
  choice.answer = attn::refuse(ATTN_UNSUPPORTED_FEATURE, asked.is_backward
                                                             ? "no engine computes a backward pass"
                                                             : "no engine computes a forward pass");
  for (const Engine* const engine : engines) {
    choice.engine = engine;
    choice.cell = asked;
    choice.answer = check_switches(*engine, asked);
    if (choice.answer.status != ATTN_OK) continue;
    choice.answer = engine->accept(problem, choice.cell);
    if (choice.answer.status != ATTN_OK) continue;
    choice.recipe = engine->recipe(problem, choice.cell);
    choice.answer = check_launches(choice.recipe, asked.target);
    if (choice.answer.status == ATTN_OK) break;
  }
  return choice;
}

}  // namespace kernel_kit
