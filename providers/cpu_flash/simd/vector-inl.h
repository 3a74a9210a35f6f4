// What one instruction set is: its register tile, its exponential, and how numbers of 16 bits enter
// and leave. The -inl.h files are compiled once for each instruction set, hence the odd include
// guard.
//
// The register tile. A core issues two fused multiply-adds (FMA) a cycle, each with a latency of
// four, so at least eight must be under way. A tile of 6 rows x 4 vectors keeps 24 accumulators and
// needs 6 broadcasts + 4 loads for 24 FMAs: 12 cycles of arithmetic hide 5 cycles of loads. With 16
// registers 6 x 2 is the most that fits: 8 loads in 4 cycles under 6 cycles of arithmetic.
#if defined(CPU_FLASH_VECTOR_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef CPU_FLASH_VECTOR_INL_H
#undef CPU_FLASH_VECTOR_INL_H
#else
#define CPU_FLASH_VECTOR_INL_H
#endif

#include <hwy/highway.h>

#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace cpu_flash {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::CappedTag<float, 16>;
using Vec = hn::Vec<Floats>;

constexpr int kLanes = HWY_MIN(HWY_MAX_BYTES / 4, 16);
constexpr bool kHas32Registers = HWY_TARGET <= HWY_AVX3 || HWY_TARGET == HWY_NEON;
constexpr int kTileVectors = kHas32Registers ? 4 : 2;
constexpr int kTileRows = 6;
constexpr int kPanelRows = kTileVectors * kLanes;

HWY_INLINE Vec splat(float value) {
  return hn::Set(Floats(), value);
}
HWY_INLINE Vec load(const float* from) {
  return hn::LoadU(Floats(), from);
}
HWY_INLINE void store(Vec value, float* to) {
  hn::StoreU(value, Floats(), to);
}

// 2^x for x <= 127, with a relative error of 1.2e-7; 0 far below -126 (so -inf gives 0), exactly 1
// for 0, NaN for NaN. 2^x = 2^n 2^(x - n) with an integer n; the coefficients minimise the relative
// error of the polynomial for 2^(x - n), with the constant term fixed to 1.
#if HWY_TARGET <= HWY_AVX3
// Two instructions of AVX-512 do all but the polynomial: x - floor(x), and scaling by 2^floor(x).
HWY_INLINE Vec exp2(Vec x) {
  constexpr int kMinusFloor = 0x09;  // round down, raise nothing
  const Vec fraction{_mm512_reduce_ps(x.raw, kMinusFloor)};
  Vec power = splat(0x1.e974fep-10f);
  power = hn::MulAdd(power, fraction, splat(0x1.277854p-7f));
  power = hn::MulAdd(power, fraction, splat(0x1.c91ce6p-5f));
  power = hn::MulAdd(power, fraction, splat(0x1.ebdb56p-3f));
  power = hn::MulAdd(power, fraction, splat(0x1.62e4bap-1f));
  power = hn::MulAdd(power, fraction, splat(1.0f));
  return Vec{_mm512_scalef_ps(power.raw, x.raw)};
}
#else
// Adding 1.5 * 2^23 rounds x to an integer, kept in the low bits, where a shift makes it the
// exponent of 2^n. It becomes 0, not a denormal, from -126.5 down.
HWY_INLINE Vec exp2(Vec x) {
  const hn::RebindToUnsigned<Floats> bits;
  const Vec magic = splat(12582912.0f + 127.0f);
  const Vec clamped = hn::Max(splat(-127.0f), x);  // in this order x86 hands a NaN of x on
  const Vec shifted = hn::Add(clamped, magic);
  const Vec fraction = hn::Sub(clamped, hn::Sub(shifted, magic));
  Vec power = splat(0x1.5bba14p-10f);
  power = hn::MulAdd(power, fraction, splat(0x1.3cea88p-7f));
  power = hn::MulAdd(power, fraction, splat(0x1.c6b752p-5f));
  power = hn::MulAdd(power, fraction, splat(0x1.ebf9bcp-3f));
  power = hn::MulAdd(power, fraction, splat(0x1.62e42ap-1f));
  power = hn::MulAdd(power, fraction, splat(1.0f));
  return hn::Mul(power, hn::BitCast(Floats(), hn::ShiftLeft<23>(hn::BitCast(bits, shifted))));
}
#endif

// Reads N numbers of type T as fp32, and writes them rounded to nearest even. `D` says how many.
template <class D>
HWY_INLINE hn::Vec<D> load_as_float(D d, const float* from) {
  return hn::LoadU(d, from);
}
template <class D, class T>
HWY_INLINE hn::Vec<D> load_as_float(D d, const T* from) {
  return hn::PromoteTo(d, hn::LoadU(hn::Rebind<T, D>(), from));
}
template <class D>
HWY_INLINE void store_from_float(hn::Vec<D> value, D d, float* to) {
  hn::StoreU(value, d, to);
}
template <class D>
HWY_INLINE void store_from_float(hn::Vec<D> value, D, hwy::float16_t* to) {
  const hn::Rebind<hwy::float16_t, D> halves;
  hn::StoreU(hn::DemoteTo(halves, value), halves, to);
}
template <class D>
HWY_INLINE void store_from_float(hn::Vec<D> value, D d, hwy::bfloat16_t* to) {
  const hn::RebindToUnsigned<D> u32;
  const hn::RebindToSigned<D> i32;
  const hn::Rebind<uint16_t, D> u16;
  const hn::Vec<decltype(u32)> raw = hn::BitCast(u32, value);
  const hn::Vec<decltype(u32)> odd = hn::And(hn::ShiftRight<16>(raw), hn::Set(u32, 1));
  const hn::Vec<decltype(u32)> rounded = hn::Add(hn::Add(raw, hn::Set(u32, 0x7fff)), odd);
  const hn::Vec<decltype(u32)> quiet = hn::Or(raw, hn::Set(u32, 0x400000));
  const hn::Vec<D> chosen =
      hn::IfThenElse(hn::Eq(value, value), hn::BitCast(d, rounded), hn::BitCast(d, quiet));
  const hn::Vec<decltype(i32)> high =
      hn::BitCast(i32, hn::ShiftRight<16>(hn::BitCast(u32, chosen)));
  hn::StoreU(hn::DemoteTo(u16, high), u16, reinterpret_cast<uint16_t*>(to));
}

}  // namespace HWY_NAMESPACE
}  // namespace cpu_flash
HWY_AFTER_NAMESPACE();
#endif  // include guard
