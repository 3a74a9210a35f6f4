#include "reference/kernels.h"

#include <algorithm>
#include <cassert>

// Highway compiles the part of this file between HWY_BEFORE_NAMESPACE and HWY_AFTER_NAMESPACE once
// for each instruction set, by including the file again and again.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "reference/kernels.cpp"
#include <hwy/foreach_target.h>
// foreach_target.h must come before highway.h
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace attnbench {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// 6 x 2 registers of sums leave room for two of the right factor and one of the left on machines
// with 16 registers, and are enough independent sums to keep two FMA units busy.
constexpr int64_t kRowsAtOnce = 6;
// A panel's piece of this depth is 32 KiB of 48 in the first cache.
constexpr int64_t kDepthAtOnce = 256;

// result[r][0 .. kPanel) = or += left[r][0 .. depth) * panel, for `rows` rows.
template <int64_t rows, typename T>
HWY_INLINE void multiply_rows(const T* left, int64_t left_stride, const T* panel, int64_t depth,
                              T* result, int64_t result_stride, bool is_first) {
  const hn::CappedTag<T, kPanel<T> / 2> d;
  using V = hn::Vec<decltype(d)>;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t column = 0; column < kPanel<T>; column += 2 * lanes) {
    V low[rows];
    V high[rows];
    HWY_UNROLL(6)
    for (int64_t r = 0; r < rows; ++r) {
      T* sums = result + r * result_stride + column;
      low[r] = is_first ? hn::Zero(d) : hn::LoadU(d, sums);
      high[r] = is_first ? hn::Zero(d) : hn::LoadU(d, sums + lanes);
    }
    const T* HWY_RESTRICT right = panel + column;
    for (int64_t k = 0; k < depth; ++k, right += kPanel<T>) {
      const V right_low = hn::LoadU(d, right);
      const V right_high = hn::LoadU(d, right + lanes);
      HWY_UNROLL(6)
      for (int64_t r = 0; r < rows; ++r) {
        const V factor = hn::Set(d, left[r * left_stride + k]);
        low[r] = hn::MulAdd(factor, right_low, low[r]);
        high[r] = hn::MulAdd(factor, right_high, high[r]);
      }
    }
    HWY_UNROLL(6)
    for (int64_t r = 0; r < rows; ++r) {
      hn::StoreU(low[r], d, result + r * result_stride + column);
      hn::StoreU(high[r], d, result + r * result_stride + column + lanes);
    }
  }
}

template <typename T>
void multiply_into(const Matrix<T>& left, const Packed<T>& right, Matrix<T>& result) {
  const int64_t rows = left.rows();
  for (int64_t k = 0; k < right.depth; k += kDepthAtOnce) {
    const int64_t depth = std::min(kDepthAtOnce, right.depth - k);
    for (int64_t column = 0; column < right.columns; column += kPanel<T>) {
      const T* panel = right.elements.data() + column * right.depth + k * kPanel<T>;
      int64_t r = 0;
      for (; r + kRowsAtOnce <= rows; r += kRowsAtOnce) {
        multiply_rows<kRowsAtOnce>(left.row(r) + k, left.stride(), panel, depth,
                                   result.row(r) + column, result.stride(), k == 0);
      }
      for (; r < rows; ++r) {
        multiply_rows<1>(left.row(r) + k, left.stride(), panel, depth, result.row(r) + column,
                         result.stride(), k == 0);
      }
    }
  }
}

template <typename T>
T max_of_lanes(const T* values, int64_t count) {
  const hn::CappedTag<T, kPanel<T>> d;
  hn::Vec<decltype(d)> largest = hn::LoadU(d, values);
  for (int64_t j = 0; j < count; j += static_cast<int64_t>(hn::Lanes(d))) {
    largest = hn::Max(largest, hn::LoadU(d, values + j));
  }
  return hn::GetLane(hn::MaxOfLanes(d, largest));
}

template <typename T>
ExpSums<T> exp_of_lanes(T* values, int64_t count, T shift) {
  const hn::CappedTag<T, kPanel<T>> d;
  using V = hn::Vec<decltype(d)>;
  const V shifts = hn::Set(d, shift);
  // Below this, exp is 0 in T; it also keeps -inf out of the polynomial.
  const V lowest = hn::Set(d, static_cast<T>(sizeof(T) == 8 ? -708.0 : -87.0));
  V sums = hn::Zero(d);
  V squares = hn::Zero(d);
  for (int64_t j = 0; j < count; j += static_cast<int64_t>(hn::Lanes(d))) {
    const V x = hn::Sub(hn::LoadU(d, values + j), shifts);
    const V e = hn::IfThenElseZero(hn::Ge(x, lowest), hn::Exp(d, hn::Max(x, lowest)));
    hn::StoreU(e, d, values + j);
    sums = hn::Add(sums, e);
    squares = hn::MulAdd(e, e, squares);
  }
  return {hn::GetLane(hn::SumOfLanes(d, sums)), hn::GetLane(hn::SumOfLanes(d, squares))};
}

void multiply_fp64(const Matrix<double>& left, const Packed<double>& right,
                   Matrix<double>& result) {
  multiply_into(left, right, result);
}
void multiply_fp32(const Matrix<float>& left, const Packed<float>& right, Matrix<float>& result) {
  multiply_into(left, right, result);
}
double max_fp64(const double* values, int64_t count) {
  return max_of_lanes(values, count);
}
float max_fp32(const float* values, int64_t count) {
  return max_of_lanes(values, count);
}
ExpSums<double> exp_fp64(double* values, int64_t count, double shift) {
  return exp_of_lanes(values, count, shift);
}
ExpSums<float> exp_fp32(float* values, int64_t count, float shift) {
  return exp_of_lanes(values, count, shift);
}

}  // namespace HWY_NAMESPACE
}  // namespace attnbench
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace attnbench {

HWY_EXPORT(multiply_fp64);
HWY_EXPORT(multiply_fp32);
HWY_EXPORT(max_fp64);
HWY_EXPORT(max_fp32);
HWY_EXPORT(exp_fp64);
HWY_EXPORT(exp_fp32);

namespace {

template <typename T>
void reshape(int64_t depth, int64_t columns, Packed<T>& packed) {
  packed.depth = depth;
  packed.columns = columns;
  packed.elements.resize(static_cast<size_t>(depth * in_whole_panels<T>(columns)));
}

}  // namespace

template <typename T>
void pack(const Matrix<float>& matrix, Packed<T>& packed) {
  reshape(matrix.rows(), matrix.columns(), packed);
  T* out = packed.elements.data();
  for (int64_t column = 0; column < matrix.columns(); column += kPanel<T>) {
    const int64_t width = std::min(kPanel<T>, matrix.columns() - column);
    for (int64_t r = 0; r < matrix.rows(); ++r, out += kPanel<T>) {
      const float* in = matrix.row(r) + column;
      for (int64_t c = 0; c < width; ++c) out[c] = static_cast<T>(in[c]);
      std::fill(out + width, out + kPanel<T>, T{0});
    }
  }
}

template <typename T>
void pack_transposed(const Matrix<float>& matrix, Packed<T>& packed) {
  reshape(matrix.columns(), matrix.rows(), packed);
  T* out = packed.elements.data();
  for (int64_t first = 0; first < matrix.rows(); first += kPanel<T>) {
    const int64_t width = std::min(kPanel<T>, matrix.rows() - first);
    for (int64_t c = 0; c < matrix.columns(); ++c, out += kPanel<T>) {
      const float* in = matrix.row(first) + c;
      for (int64_t r = 0; r < width; ++r) out[r] = static_cast<T>(in[r * matrix.stride()]);
      std::fill(out + width, out + kPanel<T>, T{0});
    }
  }
}

template void pack(const Matrix<float>&, Packed<double>&);
template void pack(const Matrix<float>&, Packed<float>&);
template void pack_transposed(const Matrix<float>&, Packed<double>&);
template void pack_transposed(const Matrix<float>&, Packed<float>&);

void multiply(const Matrix<double>& left, const Packed<double>& right, Matrix<double>& result) {
  assert(left.columns() == right.depth);
  result.reshape(left.rows(), right.columns);
  HWY_DYNAMIC_DISPATCH(multiply_fp64)(left, right, result);
}

void multiply(const Matrix<float>& left, const Packed<float>& right, Matrix<float>& result) {
  assert(left.columns() == right.depth);
  result.reshape(left.rows(), right.columns);
  HWY_DYNAMIC_DISPATCH(multiply_fp32)(left, right, result);
}

double max_of(const double* values, int64_t count) {
  return HWY_DYNAMIC_DISPATCH(max_fp64)(values, count);
}

float max_of(const float* values, int64_t count) {
  return HWY_DYNAMIC_DISPATCH(max_fp32)(values, count);
}

ExpSums<double> exp_in_place(double* values, int64_t count, double shift) {
  return HWY_DYNAMIC_DISPATCH(exp_fp64)(values, count, shift);
}

ExpSums<float> exp_in_place(float* values, int64_t count, float shift) {
  return HWY_DYNAMIC_DISPATCH(exp_fp32)(values, count, shift);
}

}  // namespace attnbench
#endif  // HWY_ONCE
