// The three inner loops of the reference, in fp64 (the definition of right) and fp32 (the plain
// implementation that providers are compared with). SIMD is chosen at run time.
//
// The lesson of `Packed`: a matrix product is fast when its right factor lies in panels, each
// `kPanel` columns wide and read from top to bottom, so that a panel's piece stays in the first
// cache while all rows of the left factor pass by.
#pragma once

#include "reference/matrix.h"

namespace attnbench {

// The right factor of a product: `depth` x `columns`, in panels of kPanel columns.
template <typename T>
struct Packed {
  int64_t depth = 0, columns = 0;
  AlignedVector<T> elements;
};

// Inputs are at most fp32, so both precisions pack from float without loss.
template <typename T>
void pack(const Matrix<float>& matrix, Packed<T>& packed);
template <typename T>
void pack_transposed(const Matrix<float>& matrix, Packed<T>& packed);

// result = left * right. left.columns() == right.depth.
void multiply(const Matrix<double>& left, const Packed<double>& right, Matrix<double>& result);
void multiply(const Matrix<float>& left, const Packed<float>& right, Matrix<float>& result);

// Largest of `count` values; values[j] = exp(values[j] - shift) and the sums of what was written;
// exp(-inf) is 0. `count` is a multiple of kPanel: set what is behind the last value to -inf.
template <typename T>
struct ExpSums {
  T sum = 0, sum_of_squares = 0;
};
double max_of(const double* values, int64_t count);
float max_of(const float* values, int64_t count);
ExpSums<double> exp_in_place(double* values, int64_t count, double shift);
ExpSums<float> exp_in_place(float* values, int64_t count, float shift);

}  // namespace attnbench
