// Conversions of half.hpp, on every fp16 there is and on the edges of rounding.
#include <cmath>
#include <limits>

#include "attnbench/half.hpp"
#include "support/catch.h"

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// The definition: sign, five bits of exponent, ten of fraction.
double half_value(uint16_t bits) {
  int exponent = bits >> 10 & 31, fraction = bits & 1023;
  double sign = bits & 0x8000 ? -1 : 1;
  if (exponent == 31) return fraction ? std::nan("") : sign * HUGE_VAL;
  return sign * (exponent ? std::ldexp(1024 + fraction, exponent - 25) : std::ldexp(fraction, -24));
}

TEST_CASE("every fp16 becomes its value and comes back with its bits", "[half]") {
  int num_wrong = 0;
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    uint16_t half = static_cast<uint16_t>(bits);
    float value = attn::detail::half_to_float_portable(half);
    if (std::isnan(half_value(half))) {
      num_wrong += !std::isnan(value);
      num_wrong += (attn::detail::float_to_half_portable(value) | 0x200) != (half | 0x200);
    } else {
      num_wrong += value != half_value(half) || std::signbit(value) != ((half & 0x8000) != 0);
      num_wrong += attn::detail::float_to_half_portable(value) != half;
      num_wrong += attn::to_float(attn::Half{half}) != value;
    }
  }
  CHECK(num_wrong == 0);
}

TEST_CASE("fp16 rounds to nearest, ties to even, between all neighbours", "[half]") {
  int num_wrong = 0;
  for (uint16_t lower = 0; lower < 0x7bff; ++lower) {
    uint16_t upper = static_cast<uint16_t>(lower + 1);
    double middle = (half_value(lower) + half_value(upper)) / 2;
    float tie = static_cast<float>(middle);  // exact: fp32 has 13 bits more
    uint16_t even = lower & 1 ? upper : lower;
    num_wrong += attn::from_float<attn::Half>(tie).bits != even;
    num_wrong += attn::from_float<attn::Half>(std::nextafter(tie, 0.0f)).bits != lower;
    num_wrong += attn::from_float<attn::Half>(std::nextafter(tie, kInfinity)).bits != upper;
  }
  CHECK(num_wrong == 0);
}

TEST_CASE("fp16 overflows to infinity from 65520 on", "[half]") {
  CHECK(attn::from_float<attn::Half>(std::nextafter(65520.0f, 0.0f)).bits == 0x7bff);
  CHECK(attn::from_float<attn::Half>(65520.0f).bits == 0x7c00);
  CHECK(attn::from_float<attn::Half>(-1e30f).bits == 0xfc00);
  CHECK(attn::from_float<attn::Half>(-kInfinity).bits == 0xfc00);
}

TEST_CASE("bf16 is the upper half of fp32, rounded to even", "[half]") {
  auto bits = [](uint32_t of) {
    return attn::from_float<attn::BFloat16>(std::bit_cast<float>(of)).bits;
  };
  CHECK(bits(0x3f808000) == 0x3f80);  // a tie goes to even
  CHECK(bits(0x3f818000) == 0x3f82);
  CHECK(bits(0x3f808001) == 0x3f81);
  CHECK(bits(0x7f7fffff) == 0x7f80);  // the largest fp32 rounds to infinity
  CHECK(bits(0xff800000) == 0xff80);
  CHECK(
      std::isnan(attn::to_float(attn::BFloat16{bits(0x7f800001)})));  // NaN never becomes infinity
  CHECK(attn::to_float(attn::BFloat16{0xc0a0}) == -5.0f);
}

}  // namespace
