// fp16 and bf16 as stored in tensors, and their conversions: round to nearest even, NaN stays NaN,
// subnormals kept. The portable code and the F16C instructions give the same bits; the former has
// no branches, so that a compiler can vectorise a loop over it.
#pragma once

#include <bit>
#include <cstdint>
#if defined(__F16C__)
#include <immintrin.h>
#endif

namespace attn {

struct Half {
  uint16_t bits;
};
struct BFloat16 {
  uint16_t bits;
};

namespace detail {

// Shifting exponent and fraction into place leaves the exponent 112 too small. Subnormals have no
// leading 1: adding one exponent step and subtracting 2^-14 normalises them in one exact operation.
constexpr float half_to_float_portable(uint16_t half) {
  constexpr uint32_t kExponentShift = 112u << 23;
  uint32_t magnitude = (half & 0x7fffu) << 13;
  uint32_t exponent = half & 0x7c00u;
  uint32_t normal = magnitude + kExponentShift;
  uint32_t subnormal = std::bit_cast<uint32_t>(std::bit_cast<float>(normal + (1u << 23)) -
                                               std::bit_cast<float>(113u << 23));
  uint32_t quiet = magnitude > (0x7c00u << 13) ? 1u << 22 : 0u;
  uint32_t special = (magnitude + 2 * kExponentShift) | quiet;
  uint32_t bits = exponent == 0 ? subnormal : exponent == 0x7c00u ? special : normal;
  return std::bit_cast<float>(bits | (half & 0x8000u) << 16);
}

// Rounding by integer addition; subnormal results are rounded by the floating-point adder, which
// has 0.5's ulp = 2^-24, the step of fp16 subnormals.
constexpr uint16_t float_to_half_portable(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  uint32_t magnitude = bits & 0x7fffffffu;
  uint32_t odd = (magnitude >> 13) & 1u;
  uint32_t normal = (magnitude - (112u << 23) + 0xfffu + odd) >> 13;
  bool is_small = magnitude < (113u << 23);
  float clamped = std::bit_cast<float>(is_small ? magnitude : 0u);
  uint32_t subnormal = std::bit_cast<uint32_t>(clamped + 0.5f) - (126u << 23);
  uint32_t nan = 0x7e00u | ((magnitude >> 13) & 0x3ffu);
  uint32_t half = is_small                   ? subnormal
                  : magnitude < 0x47800000u  ? normal
                  : magnitude <= 0x7f800000u ? 0x7c00u
                                             : nan;
  return static_cast<uint16_t>(half | (bits >> 16 & 0x8000u));
}

}  // namespace detail

inline float to_float(float value) {
  return value;
}

inline float to_float(Half half) {
#if defined(__F16C__)
  return _cvtsh_ss(half.bits);
#else
  return detail::half_to_float_portable(half.bits);
#endif
}

inline float to_float(BFloat16 value) {
  return std::bit_cast<float>(static_cast<uint32_t>(value.bits) << 16);
}

// Rounds `value` to T: from_float<Half>(0.1f).
template <class T>
T from_float(float value);

template <>
inline float from_float<float>(float value) {
  return value;
}

template <>
inline Half from_float<Half>(float value) {
#if defined(__F16C__)
  return {static_cast<uint16_t>(_cvtss_sh(value, _MM_FROUND_TO_NEAREST_INT))};
#else
  return {detail::float_to_half_portable(value)};
#endif
}

template <>
inline BFloat16 from_float<BFloat16>(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  uint32_t rounded = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
  uint32_t nan = bits >> 16 | 0x40u;
  bool is_nan = (bits & 0x7fffffffu) > 0x7f800000u;
  return {static_cast<uint16_t>(is_nan ? nan : rounded)};
}

}  // namespace attn
