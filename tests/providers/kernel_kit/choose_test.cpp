// Which engine serves a cell, and what is said where none does; with engines that exist only here.
#include "kernel_kit/choose.h"

#include <algorithm>

#include "support/catch.h"

namespace kernel_kit {
namespace {

Recipe one_launch(int shared_memory_bytes, unsigned blocks_y = 1) {
  Recipe recipe;
  recipe.launches = {{.kernel = "forward",
                      .grid = {1, blocks_y, 1},
                      .block = {128, 1, 1},
                      .dynamic_shared_memory_bytes = shared_memory_bytes}};
  return recipe;
}

// Serves block_q 128 only, and prefers it.
const Engine kPicky = {"picky", "picky.cu",
                       [](const Problem&, Cell& cell) {
                         fill(cell.tile, {128, 64, 8, 2});
                         if (cell.tile.block_q == 128) return attn::yes();
                         return attn::refuse(ATTN_UNSUPPORTED_OPTIONS, "block_q must be 128");
                       },
                       nullptr, [](const Problem&, const Cell&) { return one_launch(100000); }};

// Serves all, with as much shared memory as its tile needs.
const Engine kGeneral = {
    "general", "general.cu",
    [](const Problem& problem, Cell& cell) {
      fill(cell.tile, {64, 32, 4, 1});
      cell.has_tails = leaves_tails(problem, cell, cell.tile.block_q, cell.tile.block_k);
      return attn::yes();
    },
    nullptr, [](const Problem&, const Cell& cell) { return one_launch(cell.tile.block_q * 1000); }};

const Engine* const kBoth[] = {&kPicky, &kGeneral};

Problem example() {
  Problem problem{};
  problem.arguments.batch = 2;
  problem.arguments.heads = 4;
  problem.arguments.kv_heads = 2;
  problem.arguments.seqlen_q = problem.arguments.seqlen_kv = 256;
  problem.arguments.head_dim = 64;
  return problem;
}

Cell asked(int block_q, int shared_memory_bytes = 232448) {
  Cell cell;
  cell.target = {90, shared_memory_bytes, 132};
  cell.tile.block_q = block_q;
  cell.head_dim = 64;
  return cell;
}

TEST_CASE("the first engine that accepts a cell serves it, with its own defaults", "[choose]") {
  const Choice automatic = choose(kBoth, example(), asked(0));
  REQUIRE(automatic.answer.status == ATTN_OK);
  CHECK(automatic.engine == &kPicky);
  CHECK(automatic.cell.tile.block_q == 128);
  CHECK(automatic.cell.tile.num_stages == 2);

  const Choice small = choose(kBoth, example(), asked(32));
  REQUIRE(small.answer.status == ATTN_OK);
  CHECK(small.engine == &kGeneral);
  CHECK(small.cell.tile.block_q == 32);
  CHECK(small.cell.tile.block_k == 32);
}

TEST_CASE("an engine that needs too much shared memory leaves the cell to the next", "[choose]") {
  const Choice choice = choose(kBoth, example(), asked(0, 99000));
  REQUIRE(choice.answer.status == ATTN_OK);
  CHECK(choice.engine == &kGeneral);
  CHECK(choice.cell.tile.block_q == 64);
}

TEST_CASE("where no engine has the memory, both figures are named", "[choose]") {
  const Choice choice = choose(kBoth, example(), asked(128, 99000));
  CHECK(choice.answer.status == ATTN_RESOURCE_SHARED_MEMORY);
  CHECK(choice.answer.message == "needs 128000 B of shared memory, device offers 99000 B");
}

TEST_CASE("a grid that no GPU has is refused before it is launched", "[choose]") {
  const Engine wide = {"wide", "wide.cu", kGeneral.accept, nullptr,
                       [](const Problem&, const Cell&) { return one_launch(0, 70000); }};
  const Engine* const engines[] = {&wide};
  const Choice choice = choose(engines, example(), asked(0));
  CHECK(choice.answer.status == ATTN_RESOURCE_GRID);
  CHECK(choice.answer.message.find("70000") != std::string::npos);
}

TEST_CASE("the words of the last engine are the answer", "[choose]") {
  const Engine* const engines[] = {&kPicky};
  CHECK(choose(engines, example(), asked(32)).answer.message == "block_q must be 128");
  Cell backward = asked(0);
  backward.is_backward = true;
  const Choice none = choose({}, example(), backward);
  CHECK(none.answer.status == ATTN_UNSUPPORTED_FEATURE);
  CHECK(none.answer.message.find("backward") != std::string::npos);
}

TEST_CASE("a length or a head_dim off its tile leaves tails", "[choose]") {
  Problem problem = example();
  const Cell cell = asked(64);
  CHECK_FALSE(leaves_tails(problem, cell, 64, 128));
  CHECK(leaves_tails(problem, cell, 192, 128));
  problem.arguments.seqlen_kv = 255;
  CHECK(leaves_tails(problem, cell, 64, 128));
  problem.arguments.seqlen_kv = 256;
  problem.arguments.head_dim = 56;
  CHECK(leaves_tails(problem, cell, 64, 128));
}

TEST_CASE("a map of a tensor has its axes, and one step where a bias is broadcast", "[choose]") {
  Problem problem = example();
  AttentionArguments& a = problem.arguments;
  a.seqlen_kv = 512;
  a.k = {nullptr, 512 * 2 * 64, 64, 2 * 64};
  a.bias = {nullptr, 256 * 512, 0, 512};
  const TensorMap keys = map_of(problem, Operand::k, 64, 128);
  CHECK(keys.extents == std::array<int64_t, 5>{64, 512, 2, 2, 0});
  CHECK(keys.strides == std::array<int64_t, 5>{1, 128, 64, 65536, 0});
  CHECK(keys.box == std::array<int, 5>{64, 128, 1, 1, 0});
  CHECK(keys.swizzle == Swizzle::bytes_128);
  const TensorMap bias = map_of(problem, Operand::bias, 16, 64);
  CHECK(bias.extents == std::array<int64_t, 5>{512, 256, 1, 2, 0});
  CHECK(bias.swizzle == Swizzle::bytes_32);
}

TEST_CASE("a switch goes to the engine that has it and replaces what that engine says",
          "[choose]") {
  static constexpr const char* kSwitches[] = {"TRUST", "OVERLAP"};
  Engine general = kGeneral;
  general.defines = [](const Cell&) { return std::vector<std::string>{"TRUST=0", "TRUST_ALL=0"}; };
  general.switches = kSwitches;
  const Engine* const both[] = {&kPicky, &general};
  Cell cell = asked(0);
  cell.switches = {"TRUST=1"};
  const Choice choice = choose(both, example(), cell);
  REQUIRE(choice.answer.status == ATTN_OK);
  CHECK(choice.engine == &general);
  const std::vector<std::string> all = all_defines(general, choice.cell);
  CHECK(std::count(all.begin(), all.end(), "TRUST=1") == 1);
  CHECK(std::count(all.begin(), all.end(), "TRUST=0") == 0);
  CHECK(std::count(all.begin(), all.end(), "TRUST_ALL=0") == 1);

  cell.switches = {"TRUTS=1"};
  const attn::Answer answer = choose(both, example(), cell).answer;
  CHECK(answer.status == ATTN_UNSUPPORTED_OPTIONS);
  CHECK(answer.message == "general has no switch TRUTS; it has TRUST, OVERLAP");
}

}  // namespace
}  // namespace kernel_kit
