#include "ptr_block/engines.h"

#include "kernel_kit/mma_engines.h"
#include "kernel_kit/wgmma_backward_engines.h"
#include "ptr_block/forward_engine.h"

// By attnbench_embed_texts.
extern const kernel_kit::TextFile ptr_block_texts[];
extern const size_t ptr_block_num_texts;

namespace ptr_block {
namespace {

using kernel_kit::Engine;

const Engine kMmaForward = kernel_kit::mma_forward_engine("ptr_block/mma_forward.cu");
const Engine kCpAsyncBackward = kernel_kit::cp_async_backward_engine("ptr_block/backward.cu");
const Engine kMmaBackward = kernel_kit::mma_backward_engine("ptr_block/mma_backward.cu");

// In order of preference, the most general last.
constexpr std::array<const Engine*, 3> kForward = {&kCpAsyncForwardCounted, &kCpAsyncForward,
                                                   &kMmaForward};
constexpr std::array<const Engine*, 2> kBackward = {&kCpAsyncBackward, &kMmaBackward};

}  // namespace

kernel_kit::Engines engines() {
  return {kForward, kBackward};
}

std::span<const kernel_kit::TextFile> texts() {
  return {ptr_block_texts, ptr_block_num_texts};
}

}  // namespace ptr_block
