#include "tensor/convert.h"

#include <cmath>
#include <limits>
#include <vector>

#include "support/catch.h"

namespace attnbench {
namespace {

// The value of a 16-bit pattern by the definition of the format, in slow exact arithmetic.
double value_by_definition(uint16_t bits, int mantissa_bits) {
  const int exponent_bits = 15 - mantissa_bits;
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const int exponent = (bits & 0x7fff) >> mantissa_bits;
  const int mantissa = bits & ((1 << mantissa_bits) - 1);
  const double sign = bits & 0x8000 ? -1.0 : 1.0;
  if (exponent == (1 << exponent_bits) - 1) {
    return mantissa == 0 ? sign * std::numeric_limits<double>::infinity() : std::nan("");
  }
  if (exponent == 0) return sign * std::ldexp(mantissa, 1 - bias - mantissa_bits);
  return sign * std::ldexp((1 << mantissa_bits) + mantissa, exponent - bias - mantissa_bits);
}

template <typename Narrow, typename Widen>
void check_format(int mantissa_bits, Narrow narrow, Widen widen) {
  int wrong = 0;
  for (uint32_t pattern = 0; pattern < 65536; ++pattern) {
    const uint16_t bits = static_cast<uint16_t>(pattern);
    const double expected = value_by_definition(bits, mantissa_bits);
    const float wide = widen(bits);
    if (std::isnan(expected)) {
      wrong += !std::isnan(wide) || !std::isnan(widen(narrow(wide)));
      continue;
    }
    wrong += static_cast<double>(wide) != expected || std::signbit(wide) != (bits >> 15);
    wrong += narrow(wide) != bits;
    // Halfway to the next value and its two neighbours among floats: ties go to the even pattern.
    const uint16_t next_bits = static_cast<uint16_t>(pattern + 1);
    const double next = value_by_definition(next_bits, mantissa_bits);
    if (!std::isfinite(expected) || !std::isfinite(next) || (pattern & 0x7fff) == 0x7fff) continue;
    const float tie = static_cast<float>((expected + next) / 2);
    if (static_cast<double>(tie) != (expected + next) / 2) continue;
    wrong += narrow(tie) != (bits % 2 == 0 ? bits : next_bits);
    wrong += narrow(std::nextafterf(tie, wide)) != bits;
    wrong += narrow(std::nextafterf(tie, widen(next_bits))) != next_bits;
  }
  CHECK(wrong == 0);
}

TEST_CASE("fp16 converts exactly and rounds to nearest even, over all patterns", "[tensor]") {
  check_format(10, fp16_from_float, float_from_fp16);
}

TEST_CASE("bf16 converts exactly and rounds to nearest even, over all patterns", "[tensor]") {
  check_format(7, bf16_from_float, float_from_bf16);
}

TEST_CASE("16-bit overflow is infinity from the tie on", "[tensor]") {
  CHECK(fp16_from_float(65519.996f) == 0x7bff);
  CHECK(fp16_from_float(65520.0f) == 0x7c00);
  CHECK(fp16_from_float(-1e30f) == 0xfc00);
  CHECK(bf16_from_float(std::numeric_limits<float>::max()) == 0x7f80);
  CHECK(fp16_from_float(0x1p-25f) == 0);  // the tie between 0 and the smallest subnormal
  CHECK(fp16_from_float(0x1.000002p-25f) == 1);
}

TEST_CASE("rows convert as single values do", "[tensor]") {
  std::vector<uint16_t> bits(1000);
  for (size_t i = 0; i < bits.size(); ++i) bits[i] = static_cast<uint16_t>(i * 61 + 17);
  for (const Dtype dtype : {Dtype::fp16, Dtype::bf16}) {
    std::vector<float> wide(bits.size());
    to_float(dtype, std::as_bytes(std::span(bits)), wide);
    std::vector<float> rounded(bits.size());
    for (size_t i = 0; i < bits.size(); ++i) rounded[i] = 0.001f * static_cast<float>(i * i);
    round_in_place(dtype, rounded);
    int wrong = 0;
    for (size_t i = 0; i < bits.size(); ++i) {
      const float one = dtype == Dtype::fp16 ? float_from_fp16(bits[i]) : float_from_bf16(bits[i]);
      wrong += std::bit_cast<uint32_t>(one) != std::bit_cast<uint32_t>(wide[i]);
      wrong += rounded[i] != round_to(dtype, 0.001f * static_cast<float>(i * i));
    }
    CHECK(wrong == 0);
  }
}

}  // namespace
}  // namespace attnbench
