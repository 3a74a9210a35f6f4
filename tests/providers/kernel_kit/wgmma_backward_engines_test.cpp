// Which cells the Hopper backward engines serve, and how their blocks are dealt out.
#include "kernel_kit/wgmma_backward_engines.h"

#include "kernel_kit/choose.h"
#include "kernel_kit/device/backward_tile.h"
#include "support/catch.h"

namespace kernel_kit {
namespace {

const Engine kTma = tma_backward_engine("block_ptr/backward.cu");
const Engine kCpAsync = cp_async_backward_engine("ptr_block/backward.cu");
const Engine* const kTmas[] = {&kTma};
const Engine* const kCpAsyncs[] = {&kCpAsync};

constexpr Target kA100{80, 166912, 108}, kH100{90, 232448, 132};

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

Cell cell_of(int head_dim, bool has_bias = false) {
  Cell cell;
  cell.target = kH100;
  cell.head_dim = head_dim;
  cell.is_backward = true;
  cell.has_bias = has_bias;
  return cell;
}

TEST_CASE("every head_dim's gradients run on an H100, with and without a bias", "[wgmma]") {
  for (const int head_dim : {64, 128, 256}) {
    for (const bool has_bias : {false, true}) {
      for (const bool is_causal : {false, true}) {
        Cell cell = cell_of(head_dim, has_bias);
        cell.is_causal = is_causal;
        for (const auto& engines : {kTmas, kCpAsyncs}) {
          const Choice choice = choose({engines, 1}, problem_of(4, 16, 4096, head_dim), cell);
          CAPTURE(head_dim, has_bias, is_causal, choice.answer.message);
          REQUIRE(choice.answer.status == ATTN_OK);
          CHECK_FALSE(choice.cell.has_tails);
          CHECK_FALSE(choice.recipe.is_deterministic);
        }
      }
    }
  }
}

TEST_CASE("TMA needs tails only of keys, cp.async of all that leaves a tile", "[wgmma]") {
  Problem problem = problem_of(1, 2, 1024, 128);
  problem.arguments.seqlen_q = 1000;
  CHECK_FALSE(choose(kTmas, problem, cell_of(128)).cell.has_tails);
  CHECK(choose(kCpAsyncs, problem, cell_of(128)).cell.has_tails);
  problem.arguments.seqlen_kv = 1000;
  CHECK(choose(kTmas, problem, cell_of(128)).cell.has_tails);
}

TEST_CASE("what the Hopper backward engines do not serve they refuse with a reason", "[wgmma]") {
  const Problem problem = problem_of(4, 16, 4096, 128);
  const auto status_of = [&](const Cell& cell) {
    return choose(kTmas, problem, cell).answer.status;
  };
  Cell cell = cell_of(128);
  cell.is_deterministic = true;
  CHECK(status_of(cell) == ATTN_UNSUPPORTED_FEATURE);
  cell = cell_of(128);
  cell.target = kA100;
  CHECK(status_of(cell) == ATTN_UNSUPPORTED_DEVICE);
  cell = cell_of(128);
  cell.tile.block_q = 128;
  CHECK(status_of(cell) == ATTN_RESOURCE_REGISTERS);
  cell.tile.block_q = 32;
  CHECK(status_of(cell) == ATTN_UNSUPPORTED_OPTIONS);
  Problem misaligned = problem;
  misaligned.row_alignment_bytes = 8;
  CHECK(choose(kTmas, misaligned, cell_of(128)).answer.status == ATTN_UNSUPPORTED_LAYOUT);
}

TEST_CASE("a short last wave is dealt out among the multiprocessors it would leave idle",
          "[wgmma]") {
  const LastWave wave = LastWave::of(4096, 132, 128);  // 31 waves and 4 blocks
  CHECK(wave.whole == 31 * 132);
  CHECK(wave.dealt == 4);
  CHECK(wave.parts == 32);  // 33 would have less than four steps each
  CHECK(wave.grid() == 31 * 132 + 128);

  CHECK(LastWave::of(264, 132, 128).parts == 1);  // whole waves
  CHECK(LastWave::of(100, 132, 128).parts == 1);  // most multiprocessors are busy
  CHECK(LastWave::of(64, 132, 4).parts == 1);     // too little to share
  CHECK(LastWave::of(64, 132, 16).grid() == 128);
  CHECK(LastWave::of(4096, 0, 128).grid() == 4096);
}

TEST_CASE("dK and dV of dealt blocks are summed in the workspace", "[wgmma]") {
  const Recipe recipe = choose(kTmas, problem_of(1, 8, 1024, 64), cell_of(64)).recipe;
  CHECK(recipe.launches[1].grid.x == 128);
  CHECK(recipe.grad_k_sum_bytes == 64 * 128 * 64 * sizeof(float));
  Cell causal = cell_of(64);
  causal.is_causal = true;
  CHECK(choose(kTmas, problem_of(1, 8, 1024, 64), causal).recipe.grad_k_sum_bytes == 0);
}

}  // namespace
}  // namespace kernel_kit
