#include "block_ptr/engines.h"

#include "block_ptr/forward_engine.h"
#include "kernel_kit/mma_engines.h"
#include "kernel_kit/wgmma_backward_engines.h"

// By attnbench_embed_texts.
extern const kernel_kit::TextFile block_ptr_texts[];
extern const size_t block_ptr_num_texts;

namespace block_ptr {
namespace {

using kernel_kit::Engine;

const Engine kMmaForward = kernel_kit::mma_forward_engine("block_ptr/mma_forward.cu");
const Engine kTmaBackward = kernel_kit::tma_backward_engine("block_ptr/backward.cu");
const Engine kMmaBackward = kernel_kit::mma_backward_engine("block_ptr/mma_backward.cu");

// In order of preference, the most general last.
constexpr std::array<const Engine*, 4> kForward = {&kForwardQueryPairs, &kTmaForwardCounted,
                                                   &kTmaForward, &kMmaForward};
constexpr std::array<const Engine*, 2> kBackward = {&kTmaBackward, &kMmaBackward};

}  // namespace

kernel_kit::Engines engines() {
  return {kForward, kBackward};
}

std::span<const kernel_kit::TextFile> texts() {
  return {block_ptr_texts, block_ptr_num_texts};
}

}  // namespace block_ptr
