// Element types of Q, K, V and of all tensors that share theirs.
#pragma once

#include <cstdint>

#include "base/enum_text.h"

namespace attnbench {

enum class Dtype { fp16, bf16, fp32 };

inline constexpr EnumText<Dtype> kDtypes[] = {
    {Dtype::fp16, "fp16"}, {Dtype::bf16, "bf16"}, {Dtype::fp32, "fp32"}};

constexpr int64_t bytes_of(Dtype dtype) {
  return dtype == Dtype::fp32 ? 4 : 2;
}

}  // namespace attnbench
