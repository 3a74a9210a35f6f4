// A row-major matrix whose rows start on cache lines: what the SIMD kernels read and write.
//
// `stride` is `columns` rounded up to a panel, so that a kernel may work on whole panels without
// asking for the remainder. The elements behind `columns` are scratch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <vector>

namespace attnbench {

// Elements in a panel: 128 bytes, two registers of the widest SIMD there is.
template <typename T>
inline constexpr int64_t kPanel = 128 / static_cast<int64_t>(sizeof(T));

// Elements of the panels that `count` elements reach into.
template <typename T>
constexpr int64_t in_whole_panels(int64_t count) {
  return (count + kPanel<T> - 1) / kPanel<T> * kPanel<T>;
}

template <typename T>
struct CacheLineAllocator {
  using value_type = T;
  CacheLineAllocator() = default;
  template <typename U>
  CacheLineAllocator(const CacheLineAllocator<U>&) {}
  T* allocate(size_t count) {
    return static_cast<T*>(::operator new (count * sizeof(T), std::align_val_t{64}));
  }
  void deallocate(T* memory, size_t) { ::operator delete (memory, std::align_val_t{64}); }
  bool operator==(const CacheLineAllocator&) const = default;
};

template <typename T>
using AlignedVector = std::vector<T, CacheLineAllocator<T>>;

template <typename T>
class Matrix {
 public:
  Matrix() = default;
  Matrix(int64_t rows, int64_t columns) { reshape(rows, columns); }

  // Contents are undefined afterwards. Keeps the memory it has: fresh pages cost more than the
  // arithmetic on them, so the reference reuses its matrices.
  void reshape(int64_t rows, int64_t columns) {
    rows_ = rows;
    columns_ = columns;
    stride_ = in_whole_panels<T>(columns);
    elements_.resize(static_cast<size_t>(rows * stride_));
  }

  int64_t rows() const { return rows_; }
  int64_t columns() const { return columns_; }
  int64_t stride() const { return stride_; }
  T* row(int64_t r) { return elements_.data() + r * stride_; }
  const T* row(int64_t r) const { return elements_.data() + r * stride_; }
  std::span<T> row_span(int64_t r) { return {row(r), static_cast<size_t>(columns_)}; }
  std::span<const T> row_span(int64_t r) const { return {row(r), static_cast<size_t>(columns_)}; }
  T& at(int64_t r, int64_t c) { return row(r)[c]; }
  T at(int64_t r, int64_t c) const { return row(r)[c]; }

 private:
  int64_t rows_ = 0, columns_ = 0, stride_ = 0;
  AlignedVector<T> elements_;
};

template <typename T>
void copy(const Matrix<float>& from, Matrix<T>& to) {
  to.reshape(from.rows(), from.columns());
  for (int64_t r = 0; r < from.rows(); ++r) {
    for (int64_t c = 0; c < from.columns(); ++c) to.at(r, c) = static_cast<T>(from.at(r, c));
  }
}

}  // namespace attnbench
