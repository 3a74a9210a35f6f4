#include "block_ptr/engines.h"

namespace block_ptr {
namespace {

using kernel_kit::Engine;

// In order of preference, the most general last.
constexpr std::array<const Engine*, 0> kForward = {};
constexpr std::array<const Engine*, 0> kBackward = {};

}  // namespace

kernel_kit::Engines engines() {
  return {kForward, kBackward};
}

std::span<const kernel_kit::TextFile> texts() {
  return {};
}

}  // namespace block_ptr
