// What the portable engines accept, and what they say where they do not: they are the last resort,
// so a refusal of theirs is the user's answer.
#include "kernel_kit/mma_engines.h"

#include "kernel_kit/choose.h"
#include "support/catch.h"

namespace kernel_kit {
namespace {

const Engine kForward = mma_forward_engine("ptr_block/mma_forward.cu");
const Engine kBackward = mma_backward_engine("ptr_block/mma_backward.cu");
const Engine* const kForwards[] = {&kForward};
const Engine* const kBackwards[] = {&kBackward};

constexpr Target kA100{80, 166912, 108}, kRtx3090{86, 101376, 82}, kH100{90, 232448, 132};

Problem problem_of(int batch, int heads, int seqlen, int head_dim) {
  Problem problem{};
  AttentionArguments& a = problem.arguments;
  a.batch = batch;
  a.heads = a.kv_heads = heads;
  a.seqlen_q = a.seqlen_kv = seqlen;
  a.head_dim = head_dim;
  a.scale = 0.125f;
  return problem;
}

Cell cell_of(const Target& target, int head_dim, bool is_backward, bool has_bias = false) {
  Cell cell;
  cell.target = target;
  cell.head_dim = head_dim;
  cell.is_backward = is_backward;
  cell.has_bias = has_bias;
  return cell;
}

Choice choose_for(const Problem& problem, const Cell& cell) {
  return cell.is_backward ? choose(kBackwards, problem, cell) : choose(kForwards, problem, cell);
}

TEST_CASE("every forward tile runs on an H100, each of the size that was asked for", "[mma]") {
  for (const int head_dim : {64, 128, 256}) {
    for (const int block_q : {32, 64, 128}) {
      for (const int block_k : {32, 64, 128}) {
        for (const bool has_bias : {false, true}) {
          Cell cell = cell_of(kH100, head_dim, false, has_bias);
          cell.tile = {.block_q = block_q, .block_k = block_k};
          const Choice choice = choose_for(problem_of(4, 16, 4096, head_dim), cell);
          CAPTURE(head_dim, block_q, block_k, has_bias, choice.answer.message);
          REQUIRE(choice.answer.status == ATTN_OK);
          CHECK(choice.cell.tile.block_q == block_q);
          CHECK(choice.cell.tile.block_k == block_k);
          CHECK_FALSE(choice.cell.has_tails);
        }
      }
    }
  }
}

TEST_CASE("backward tiles are refused beforehand, with what they need, or they run", "[mma]") {
  int num_refused = 0;
  for (const int head_dim : {64, 128, 256}) {
    for (const int block_q : {32, 64, 128}) {
      for (const int block_k : {32, 64, 128}) {
        Cell cell = cell_of(kH100, head_dim, true);
        cell.tile = {.block_q = block_q, .block_k = block_k};
        const attn::Answer answer = choose_for(problem_of(4, 16, 4096, head_dim), cell).answer;
        CAPTURE(head_dim, block_q, block_k, answer.message);
        const bool must_refuse = head_dim == 256 && block_k == 128;
        CHECK(answer.status == (must_refuse ? ATTN_RESOURCE_REGISTERS : ATTN_OK));
        num_refused += must_refuse;
        if (must_refuse) CHECK(answer.message.find("a thread has 255") != std::string::npos);
      }
    }
  }
  CHECK(num_refused == 3);
}

TEST_CASE("every head_dim has a tile on every GPU, forward and backward, with any bias", "[mma]") {
  for (const Target& target : {kA100, kRtx3090, kH100}) {
    for (const int head_dim : {64, 128, 256}) {
      for (const bool is_backward : {false, true}) {
        for (const bool has_bias : {false, true}) {
          for (const bool is_deterministic : {false, true}) {
            Cell cell = cell_of(target, head_dim, is_backward, has_bias);
            cell.is_deterministic = is_backward && is_deterministic;
            const Choice choice = choose_for(problem_of(2, 8, 1000, head_dim), cell);
            CAPTURE(target.compute_capability, head_dim, is_backward, has_bias);
            CHECK(choice.answer.status == ATTN_OK);
          }
        }
      }
    }
  }
}

TEST_CASE("what needs too much shared memory says how much", "[mma]") {
  Cell cell = cell_of(kRtx3090, 256, false);
  cell.tile = {.block_q = 128, .block_k = 128};
  const attn::Answer answer = choose_for(problem_of(4, 16, 4096, 256), cell).answer;
  CHECK(answer.status == ATTN_RESOURCE_SHARED_MEMORY);
  CHECK(answer.message.find("needs 196608 B") != std::string::npos);
}

TEST_CASE("a small problem gets small tiles, so that no multiprocessor idles", "[mma]") {
  const Choice few = choose_for(problem_of(1, 8, 1024, 64), cell_of(kH100, 64, false));
  const Choice many = choose_for(problem_of(4, 16, 4096, 64), cell_of(kH100, 64, false));
  CHECK(few.recipe.launches[0].grid.x >= 128);
  CHECK(many.cell.tile.block_q == 128);

  Problem decoding = problem_of(4, 16, 4096, 64);
  decoding.arguments.seqlen_q = 1;
  const Choice one_row = choose_for(decoding, cell_of(kH100, 64, false));
  CHECK(one_row.cell.tile.block_q == 32);
  CHECK(one_row.cell.has_tails);
}

TEST_CASE("lengths of one and heads of eight columns have a tile too", "[mma]") {
  for (const int seqlen_q : {1, 31, 129}) {
    for (const int seqlen_kv : {1, 33, 257}) {
      for (const int head_dim : {8, 72, 256}) {
        for (const bool is_backward : {false, true}) {
          Problem problem = problem_of(1, 1, seqlen_q, head_dim);
          problem.arguments.seqlen_kv = seqlen_kv;
          const int padded = head_dim <= 64 ? 64 : head_dim <= 128 ? 128 : 256;
          const Choice choice = choose_for(problem, cell_of(kH100, padded, is_backward, true));
          CAPTURE(seqlen_q, seqlen_kv, head_dim, is_backward, choice.answer.message);
          REQUIRE(choice.answer.status == ATTN_OK);
          CHECK(choice.cell.has_tails);
          for (const Launch& launch : choice.recipe.launches) CHECK(launch.grid.x > 0);
        }
      }
    }
  }
}

TEST_CASE("grouped heads make fewer blocks backward, each of which sums over its group", "[mma]") {
  Problem problem = problem_of(2, 8, 1024, 64);
  problem.arguments.kv_heads = 2;
  Cell cell = cell_of(kH100, 64, true);
  cell.tile = {.block_q = 64, .block_k = 64};
  const Choice choice = choose_for(problem, cell);
  REQUIRE(choice.answer.status == ATTN_OK);
  CHECK(choice.recipe.launches[1].grid.x == 2u * 2 * 16);
  CHECK(choice.recipe.launches[2].grid.x == 2u * 8 * 16);
}

TEST_CASE("a deterministic backward pass needs no fp32 sums of dQ", "[mma]") {
  const Problem problem = problem_of(2, 8, 1024, 128);
  Cell cell = cell_of(kH100, 128, true);
  const Recipe fast = choose_for(problem, cell).recipe;
  CHECK_FALSE(fast.is_deterministic);
  CHECK(fast.grad_q_sum_bytes == 2u * 8 * 1024 * 128 * 4);
  cell.is_deterministic = true;
  const Recipe same_bits = choose_for(problem, cell).recipe;
  CHECK(same_bits.is_deterministic);
  CHECK(same_bits.grad_q_sum_bytes == 0);
}

TEST_CASE("warps, stages and scales that cannot be served are refused", "[mma]") {
  const Problem problem = problem_of(2, 8, 1024, 64);
  Cell cell = cell_of(kH100, 64, false);
  cell.tile = {.block_q = 128, .block_k = 64, .num_warps = 3};
  CHECK(choose_for(problem, cell).answer.status == ATTN_UNSUPPORTED_OPTIONS);
  cell.tile = {.num_stages = 7};
  CHECK(choose_for(problem, cell).answer.status == ATTN_UNSUPPORTED_OPTIONS);
  cell.tile = {.block_q = 192};
  CHECK(choose_for(problem, cell).answer.status == ATTN_UNSUPPORTED_OPTIONS);
  cell.tile = {};
  Problem negative = problem;
  negative.arguments.scale = -1;
  CHECK(choose_for(negative, cell).answer.status == ATTN_UNSUPPORTED_FEATURE);
}

}  // namespace
}  // namespace kernel_kit
