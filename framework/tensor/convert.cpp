#include "tensor/convert.h"

#include <cassert>
#include <cstring>

namespace attnbench {

void to_float(Dtype dtype, std::span<const std::byte> stored, std::span<float> out) {
  assert(stored.size() == out.size() * static_cast<size_t>(bytes_of(dtype)));
  if (dtype == Dtype::fp32) {
    if (!out.empty()) std::memcpy(out.data(), stored.data(), stored.size());
    return;
  }
  const uint16_t* bits = reinterpret_cast<const uint16_t*>(stored.data());
  float* values = out.data();
  const size_t count = out.size();
  if (dtype == Dtype::fp16) {
    for (size_t e = 0; e < count; ++e) values[e] = float_from_fp16(bits[e]);
  } else {
    for (size_t e = 0; e < count; ++e) values[e] = float_from_bf16(bits[e]);
  }
}

void round_in_place(Dtype dtype, std::span<float> values) {
  float* value = values.data();
  const size_t count = values.size();
  if (dtype == Dtype::fp16) {
    for (size_t e = 0; e < count; ++e) value[e] = float_from_fp16(fp16_from_float(value[e]));
  } else if (dtype == Dtype::bf16) {
    for (size_t e = 0; e < count; ++e) value[e] = float_from_bf16(bf16_from_float(value[e]));
  }
}

}  // namespace attnbench
