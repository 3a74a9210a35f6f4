// Which tile the Hopper forward engines choose, and what they refuse.
#include "kernel_kit/hopper_forward.h"

#include <algorithm>

#include "support/catch.h"

namespace kernel_kit {
namespace {

Problem problem_of_length(int seqlen, int batch, int heads, int head_dim) {
  Problem problem{};
  AttentionArguments& a = problem.arguments;
  a.batch = batch;
  a.heads = a.kv_heads = heads;
  a.seqlen_q = a.seqlen_kv = seqlen;
  a.head_dim = head_dim;
  a.scale = 0.125f;
  return problem;
}

Cell cell_of_head_dim(int head_dim, bool has_bias = false, Tile tile = {}) {
  Cell cell;
  cell.target = {90, 232448, 132};
  cell.tile = tile;
  cell.head_dim = head_dim;
  cell.has_bias = has_bias;
  return cell;
}

TEST_CASE("a long problem gets the tile that was measured fastest", "[hopper_forward]") {
  struct Best {
    int head_dim;
    bool has_bias;
    int block_q, block_k, num_stages;
  };
  const Best best = GENERATE(Best{64, false, 256, 64, 6}, Best{64, true, 192, 128, 3},
                             Best{128, false, 192, 64, 3}, Best{128, true, 192, 64, 3},
                             Best{256, false, 128, 64, 2}, Best{256, true, 128, 64, 2});
  Cell cell = cell_of_head_dim(best.head_dim, best.has_bias);
  CAPTURE(best.head_dim, best.has_bias);
  REQUIRE(accept_hopper_forward(problem_of_length(4096, 4, 16, best.head_dim), cell).status ==
          ATTN_OK);
  CHECK(cell.tile.block_q == best.block_q);
  CHECK(cell.tile.block_k == best.block_k);
  CHECK(cell.tile.num_warps == best.block_q / 16);
  CHECK(cell.tile.num_stages == best.num_stages);
  const ForwardTile tile = hopper_forward_tile(cell);
  CHECK(tile.overlaps());
  CHECK(tile.bytes() <= cell.target.shared_memory_bytes);
}

TEST_CASE("a small problem is cut into more blocks", "[hopper_forward]") {
  Cell cell = cell_of_head_dim(128);
  const Problem problem = problem_of_length(1024, 1, 8, 128);
  REQUIRE(accept_hopper_forward(problem, cell).status == ATTN_OK);
  CHECK(cell.tile.num_warps == 4);
  CHECK(hopper_forward_recipe(problem, cell).launches.back().grid.x == 128);
}

TEST_CASE("a block computes whole tiles of any block_q", "[hopper_forward]") {
  const int block_q = GENERATE(32, 64, 128, 192);
  const int block_k = GENERATE(32, 64, 80, 128);
  const int head_dim = GENERATE(64, 128, 256);
  const bool has_bias = GENERATE(false, true);
  Cell cell = cell_of_head_dim(head_dim, has_bias, {.block_q = block_q, .block_k = block_k});
  CAPTURE(block_q, block_k, head_dim, has_bias);
  const attn::Answer answer = accept_hopper_forward(problem_of_length(4096, 4, 16, head_dim), cell);
  const bool has_registers = block_q < 192 || head_dim < 256;  // O alone would take 128 of 160
  REQUIRE(answer.status == (has_registers ? ATTN_OK : ATTN_RESOURCE_REGISTERS));
  if (!has_registers) return;
  const ForwardTile tile = hopper_forward_tile(cell);
  CHECK(tile.rows() % block_q == 0);
  CHECK(tile.block_k == block_k);
  CHECK(tile.bytes() <= cell.target.shared_memory_bytes);
}

TEST_CASE("Q takes the scale on where that is exact and the bias comes first", "[hopper_forward]") {
  const auto has = [](const Cell& cell, const std::string& define) {
    const std::vector<std::string> all = hopper_forward_defines(cell, Loading::tma);
    return std::find(all.begin(), all.end(), define) != all.end();
  };
  Problem problem = problem_of_length(4096, 4, 16, 64);
  Cell cell = cell_of_head_dim(64, true);
  REQUIRE(accept_hopper_forward(problem, cell).status == ATTN_OK);
  CHECK(has(cell, "BIAS_FIRST=1"));
  CHECK(has(cell, "SCALE_IN_Q=1"));
  // No power of two, one that would leave fp16 too few bits of Q, one that might overflow it.
  for (const float inexact : {0.1f, 0x1p-20f, 2.0f}) {
    problem.arguments.scale = inexact;
    REQUIRE(accept_hopper_forward(problem, cell).status == ATTN_OK);
    CHECK(has(cell, "BIAS_FIRST=1"));
    CHECK(has(cell, "SCALE_IN_Q=0"));
  }
  Cell plain = cell_of_head_dim(64);
  REQUIRE(accept_hopper_forward(problem, plain).status == ATTN_OK);
  CHECK(has(plain, "BIAS_FIRST=0"));
}

TEST_CASE("causal blocks take their units from a counter where there are more units than blocks",
          "[hopper_forward]") {
  const auto causal = [] {
    Cell cell = cell_of_head_dim(128);
    cell.is_causal = true;
    return cell;
  };
  const Problem many = problem_of_length(4096, 4, 16, 128);
  Cell cell = causal();
  REQUIRE(accept_counted_hopper_forward(many, cell).status == ATTN_OK);
  CHECK(cell.tile.block_k == 80);
  const Recipe recipe = counted(hopper_forward_recipe(many, cell));
  REQUIRE(recipe.launches.size() == 2);
  CHECK(recipe.launches[0].kernel == std::string("forward_prepare"));
  CHECK(recipe.num_counters == 1);
  CHECK(counted({"TRUST=1"}) == std::vector<std::string>{"TRUST=1", "TAKE_UNITS=1"});

  Cell of_few = causal();
  CHECK(accept_counted_hopper_forward(problem_of_length(1024, 1, 1, 128), of_few).status ==
        ATTN_UNSUPPORTED_FEATURE);
  Cell equal = cell_of_head_dim(128);
  CHECK(accept_counted_hopper_forward(many, equal).status == ATTN_UNSUPPORTED_FEATURE);
  Cell biased = causal();
  biased.has_bias = true;
  CHECK(accept_counted_hopper_forward(many, biased).status == ATTN_UNSUPPORTED_FEATURE);
}

TEST_CASE("a last round that leaves blocks idle is dealt out to nearly all of them",
          "[hopper_forward]") {
  const int kBlocks = GENERATE(132, 131, 66);
  const int64_t units = GENERATE(1, 40, 131, 132, 133, 1024, 1408, 2048, 4096);
  const int64_t steps = GENERATE(1, 8, 16, 33, 64, 128, 1000);
  const int64_t step_flop = GENERATE(4'194'304, 8'388'608);
  CAPTURE(units, steps, step_flop);
  const DealtRound dealt = deal_last_round(units, kBlocks, steps, step_flop);
  if (dealt.sharers == 0) return;
  const int64_t rest = units - dealt.first_unit;
  CHECK(dealt.first_unit % kBlocks == 0);
  CHECK(rest < dealt.sharers);
  CHECK(dealt.sharers == std::min<int64_t>(kBlocks, rest * steps / 8));
  CHECK(dealt.begin_of(0) == 0);
  CHECK(dealt.begin_of(dealt.sharers) == rest * steps);
  for (int sharer = 0; sharer < dealt.sharers; ++sharer) {
    const int taken = dealt.begin_of(sharer + 1) - dealt.begin_of(sharer);
    REQUIRE((taken == dealt.steps || taken == dealt.steps + 1));
  }
  // Shorter than a unit by more than it costs: it reaches over one unit's edge at most.
  CHECK(dealt.steps + (dealt.longer > 0) + 45'000'000 / step_flop < steps);
}

TEST_CASE("a last round cannot be dealt out by a switch where there is none", "[hopper_forward]") {
  Cell cell = cell_of_head_dim(64);
  for (const char* given : {"DEALS_LAST_ROUND=1", "DEALS_LAST_ROUND=02"}) {
    cell.switches = {given};
    CHECK(accept_hopper_forward(problem_of_length(4096, 4, 16, 64), cell).status ==
          ATTN_UNSUPPORTED_OPTIONS);
  }
  Cell off = cell_of_head_dim(256);
  off.switches = {"DEALS_LAST_ROUND=0"};
  const Problem problem = problem_of_length(4096, 4, 16, 256);
  REQUIRE(accept_hopper_forward(problem, off).status == ATTN_OK);
  CHECK_FALSE(off.deals_last_round);
  CHECK(hopper_forward_recipe(problem, off).launches.size() == 1);
}

TEST_CASE("pairs of tiles have a tile of their own, unless another is asked for or they are few",
          "[hopper_forward]") {
  const Problem many = problem_of_length(4096, 4, 16, 128);
  Cell cell = cell_of_head_dim(128, true);
  REQUIRE(take_tile_of_pairs(many, cell));
  CHECK(cell.tile.block_k == 128);
  CHECK(cell.tile.num_warps == 8);
  REQUIRE(accept_hopper_forward(many, cell, 2).status == ATTN_OK);
  const Recipe recipe = hopper_forward_recipe(many, cell, {}, 2);
  CHECK(recipe.launches.back().cluster.x == 2);
  CHECK(recipe.dealt.first_unit == 990);  // 1024 pairs, 66 at a time
  CHECK(recipe.num_counters == 132 * 8);  // of both blocks of each pair

  Cell asked = cell_of_head_dim(128, true, {.block_q = 128, .block_k = 128, .num_warps = 8});
  CHECK(take_tile_of_pairs(many, asked));
  Cell other = cell_of_head_dim(128, true, {.block_k = 64});
  CHECK_FALSE(take_tile_of_pairs(many, other));
  CHECK(other.tile.num_warps == 0);
  Cell few = cell_of_head_dim(128, true);
  CHECK_FALSE(take_tile_of_pairs(problem_of_length(1024, 1, 8, 128), few));
  Cell padded = cell_of_head_dim(128, true);  // 192 rows would become 256
  CHECK_FALSE(take_tile_of_pairs(problem_of_length(192, 8, 16, 128), padded));
}

TEST_CASE("what is dealt out, and to how many, is as long as computed by hand",
          "[hopper_forward]") {
  // 4 x 16 heads of 4096 rows at head_dim 256: 15 rounds of 132 tiles and 68 more, of 64 steps.
  const DealtRound dealt = deal_last_round(2048, 132, 64, 8'388'608);
  CHECK(dealt.first_unit == 1980);
  CHECK(dealt.sharers == 132);
  CHECK(dealt.steps == 32);  // 68 * 64 = 132 * 32 + 128
  CHECK(dealt.longer == 128);
  CHECK(deal_last_round(1980, 132, 64, 8'388'608).sharers == 0);  // whole rounds
  CHECK(deal_last_round(2111, 132, 64, 8'388'608).sharers == 0);  // one block idle
  CHECK(deal_last_round(2048, 132, 12, 8'388'608).sharers == 0);  // short: parts would cost more
}

TEST_CASE("who shares the last round's keys has a place and counters for each of its warps",
          "[hopper_forward]") {
  Cell cell = cell_of_head_dim(256);
  const Problem problem = problem_of_length(4096, 4, 16, 256);
  REQUIRE(accept_hopper_forward(problem, cell).status == ATTN_OK);
  CHECK(cell.deals_last_round);
  const Recipe recipe = hopper_forward_recipe(problem, cell);
  REQUIRE(recipe.launches.size() == 2);
  CHECK(recipe.launches[0].kernel == std::string("forward_prepare"));
  CHECK(recipe.num_counters == 132 * 8);
  CHECK(recipe.parts_bytes == uint64_t{132} * 128 * (256 + 8) * 4);  // O, and 8 numbers a row

  cell = cell_of_head_dim(256);
  cell.is_causal = true;
  REQUIRE(accept_hopper_forward(problem, cell).status == ATTN_OK);
  CHECK_FALSE(cell.deals_last_round);
  const Recipe in_turn = hopper_forward_recipe(problem, cell);
  CHECK(in_turn.launches.size() == 1);
  CHECK(in_turn.parts_bytes == 0);

  // Few tiles of many keys are shared from the first round on.
  Cell few = cell_of_head_dim(128);
  Problem long_keys = problem_of_length(64, 1, 8, 128);
  long_keys.arguments.seqlen_kv = 32768;
  REQUIRE(accept_hopper_forward(long_keys, few).status == ATTN_OK);
  CHECK(hopper_forward_recipe(long_keys, few).dealt.first_unit == 0);
  CHECK(hopper_forward_recipe(long_keys, few).launches.back().grid.x == 132);
}

TEST_CASE("softmax runs over the products where P and S both have registers", "[hopper_forward]") {
  CHECK(ForwardTile{128, 80, 3, 3, false, 2}.overlaps());
  CHECK_FALSE(ForwardTile{128, 96, 3, 3, false, 2}.overlaps());
  CHECK(ForwardTile{128, 128, 2, 3, false, 2}.overlaps());
  CHECK_FALSE(ForwardTile{256, 128, 2, 1, false, 2}.overlaps());
}

TEST_CASE("a length or head_dim off its tile makes tails", "[hopper_forward]") {
  Cell even = cell_of_head_dim(64, false, {.block_q = 128, .block_k = 64});
  REQUIRE(accept_hopper_forward(problem_of_length(4096, 4, 16, 64), even).status == ATTN_OK);
  CHECK_FALSE(even.has_tails);
  Cell odd = cell_of_head_dim(64, false, {.block_q = 128, .block_k = 64});
  REQUIRE(accept_hopper_forward(problem_of_length(4095, 4, 16, 64), odd).status == ATTN_OK);
  CHECK(odd.has_tails);
  Cell narrow = cell_of_head_dim(64, false, {.block_q = 128, .block_k = 64});
  REQUIRE(accept_hopper_forward(problem_of_length(4096, 4, 16, 40), narrow).status == ATTN_OK);
  CHECK(narrow.has_tails);
  // Two blocks of 128 rows share their keys: 4096 + 128 rows leave one without.
  Cell paired = cell_of_head_dim(64, false, {.block_q = 128, .block_k = 64});
  REQUIRE(accept_hopper_forward(problem_of_length(4224, 4, 16, 64), paired, 2).status == ATTN_OK);
  CHECK(paired.has_tails);
}

TEST_CASE("what TMA and wgmma cannot do is left to other engines", "[hopper_forward]") {
  const Problem problem = problem_of_length(4096, 4, 16, 128);
  Cell ampere = cell_of_head_dim(128);
  ampere.target.compute_capability = 80;
  CHECK(accept_hopper_forward(problem, ampere).status == ATTN_UNSUPPORTED_DEVICE);

  Cell backward = cell_of_head_dim(128);
  backward.is_backward = true;
  CHECK(accept_hopper_forward(problem, backward).status == ATTN_UNSUPPORTED_DEVICE);

  Cell three_warps = cell_of_head_dim(128, false, {.num_warps = 3});
  CHECK(accept_hopper_forward(problem, three_warps).status == ATTN_UNSUPPORTED_OPTIONS);

  Problem narrow_bias = problem;
  narrow_bias.bias_row_alignment_bytes = 8;
  Cell biased = cell_of_head_dim(128, true);
  CHECK(accept_hopper_forward(narrow_bias, biased).status == ATTN_UNSUPPORTED_LAYOUT);

  Problem flat = problem;  // -inf times a scale of 0 would be NaN
  flat.arguments.scale = 0;
  Cell cell = cell_of_head_dim(128);
  CHECK(accept_hopper_forward(flat, cell).status == ATTN_UNSUPPORTED_FEATURE);
}

}  // namespace
}  // namespace kernel_kit
