// The engines of this provider, and their kernels' text.
#pragma once

#include "kernel_kit/flash_provider.h"

namespace block_ptr {

kernel_kit::Engines engines();
std::span<const kernel_kit::TextFile> texts();

}  // namespace block_ptr
