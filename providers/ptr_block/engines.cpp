#include "ptr_block/engines.h"

#include "kernel_kit/mma_engines.h"

// By attnbench_embed_texts.
extern const kernel_kit::TextFile ptr_block_texts[];
extern const size_t ptr_block_num_texts;

namespace ptr_block {
namespace {

using kernel_kit::Engine;

const Engine kMmaForward = kernel_kit::mma_forward_engine("ptr_block/mma_forward.cu");
const Engine kMmaBackward = kernel_kit::mma_backward_engine("ptr_block/mma_backward.cu");

// In order of preference, the most general last.
constexpr std::array<const Engine*, 1> kForward = {&kMmaForward};
constexpr std::array<const Engine*, 1> kBackward = {&kMmaBackward};

}  // namespace

kernel_kit::Engines engines() {
  return {kForward, kBackward};
}

std::span<const kernel_kit::TextFile> texts() {
  return {ptr_block_texts, ptr_block_num_texts};
}

}  // namespace ptr_block
