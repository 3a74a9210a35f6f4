// fp16 and bf16 to and from fp32, round to nearest even, bit for bit as IEEE 754 and the GPU do it:
// subnormals kept, overflow to infinity, NaN stays NaN (quiet, payload cut).
//
// Plain integer code without branches, so that compilers turn the loops over spans into SIMD and
// all machines agree. Every fp16 and bf16 value is a float, so widening is exact.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "model/dtype.h"

namespace attnbench {

inline float float_from_bf16(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

inline uint16_t bf16_from_float(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  const uint32_t quiet_nan = (bits >> 16) | 0x0040;
  return static_cast<uint16_t>((bits & 0x7fffffff) > 0x7f800000 ? quiet_nan : rounded);
}

inline float float_from_fp16(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000) << 16;
  const uint32_t shifted = static_cast<uint32_t>(bits & 0x7fff) << 13;
  // Exponents 0 and 31 are special: a subnormal is read as 2^-14 * 1.m less 2^-14, which is exact.
  const float subnormal = std::bit_cast<float>(shifted + 0x38800000) - 0x1p-14f;
  const uint32_t is_special = shifted >= 0x0f800000 ? 0x70000000u : 0x38000000u;
  const uint32_t normal = shifted + is_special;
  const uint32_t quiet = shifted > 0x0f800000 ? 0x00400000u : 0u;
  const uint32_t magnitude = shifted < 0x00800000 ? std::bit_cast<uint32_t>(subnormal) : normal;
  return std::bit_cast<float>(sign | magnitude | quiet);
}

inline uint16_t fp16_from_float(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = (bits >> 16) & 0x8000;
  const uint32_t magnitude = bits & 0x7fffffff;
  // Around 0.5 a float's last bit is 2^-24, fp16's smallest step: the addition rounds for us.
  const float shifted_up = std::bit_cast<float>(magnitude) + 0.5f;
  const uint32_t subnormal = std::bit_cast<uint32_t>(shifted_up) - 0x3f000000;
  const uint32_t normal = (magnitude - 0x38000000 + 0xfff + ((magnitude >> 13) & 1)) >> 13;
  const uint32_t quiet_nan = 0x7e00 | ((magnitude >> 13) & 0x3ff);
  uint32_t half = magnitude < 0x38800000 ? subnormal : normal;
  half = magnitude >= 0x477ff000 ? 0x7c00 : half;  // 65520 and above round to infinity
  half = magnitude > 0x7f800000 ? quiet_nan : half;
  return static_cast<uint16_t>(sign | half);
}

inline float round_to(Dtype dtype, float value) {
  if (dtype == Dtype::fp16) return float_from_fp16(fp16_from_float(value));
  if (dtype == Dtype::bf16) return float_from_bf16(bf16_from_float(value));
  return value;
}

// As stored -> float, exactly. `stored` holds out.size() elements and is aligned to the dtype.
void to_float(Dtype dtype, std::span<const std::byte> stored, std::span<float> out);

// Each value becomes the nearest that the dtype can hold.
void round_in_place(Dtype dtype, std::span<float> values);

}  // namespace attnbench
