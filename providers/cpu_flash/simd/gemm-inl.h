// The one matrix product: C[i][j] (op)= sum_k A(i, k) * B[k][j]. Rows i are broadcast one number at
// a time, columns j run along the lanes, and a tile of C stays in registers while k runs.
// Everything attention needs fits this form without turning a matrix, because scores are kept as
// S^T[key][query]:
//   S^T  = K Q^T         A = K rows          B = Q panel    (depth head_dim)
//   O^T += V^T P^T       A = V, turned       B = P panel    (depth keys)
//   dV  += P^T dO        A = P^T rows        B = dO rows    (depth queries)
//   dQ  += dS K          A = dS^T, turned    B = K rows     (depth keys)
#if defined(CPU_FLASH_GEMM_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef CPU_FLASH_GEMM_INL_H
#undef CPU_FLASH_GEMM_INL_H
#else
#define CPU_FLASH_GEMM_INL_H
#endif

#include "simd/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cpu_flash {
namespace HWY_NAMESPACE {

// A(i, k) lies at [i * stride + k], or at [k * stride + i] if turned.
enum class Order { rows, turned };

struct Matrix {
  float* data;
  int64_t stride;
};
struct ConstMatrix {
  const float* data;
  int64_t stride;
};

// What becomes of a finished tile of C. `row`, `column` are its place in C.
template <class Each>
struct ForEach {
  template <int kRows, int kVectors>
  HWY_INLINE void operator()(const Vec (&sums)[kRows][kVectors], int64_t row,
                             int64_t column) const {
    const Each& each = static_cast<const Each&>(*this);
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 8
      for (int j = 0; j < kVectors; ++j) {
        each.put(sums[i][j], each.c.data + (row + i) * each.c.stride + column + j * kLanes,
                 column + j * kLanes);
      }
    }
  }
};
struct Store : ForEach<Store> {
  explicit Store(Matrix to) : c(to) {}
  HWY_INLINE void put(Vec sum, float* to, int64_t) const { store(sum, to); }
  Matrix c;
};
struct Accumulate : ForEach<Accumulate> {
  explicit Accumulate(Matrix to) : c(to) {}
  HWY_INLINE void put(Vec sum, float* to, int64_t) const { store(hn::Add(load(to), sum), to); }
  Matrix c;
};
// C = C * factors[column] + sum: the old output shrinks as the row maximum grows.
struct ShrinkAndAccumulate : ForEach<ShrinkAndAccumulate> {
  ShrinkAndAccumulate(Matrix to, const float* by) : c(to), factors(by) {}
  HWY_INLINE void put(Vec sum, float* to, int64_t column) const {
    store(hn::MulAdd(load(to), load(factors + column), sum), to);
  }
  Matrix c;
  const float* factors;
};
struct StoreScaled : ForEach<StoreScaled> {
  StoreScaled(Matrix to, float by) : c(to), factor(by) {}
  HWY_INLINE void put(Vec sum, float* to, int64_t) const { store(hn::Mul(sum, splat(factor)), to); }
  Matrix c;
  float factor;
};
struct AccumulateScaled : ForEach<AccumulateScaled> {
  AccumulateScaled(Matrix to, float by) : c(to), factor(by) {}
  HWY_INLINE void put(Vec sum, float* to, int64_t) const {
    store(hn::MulAdd(sum, splat(factor), load(to)), to);
  }
  Matrix c;
  float factor;
};
// Stores the sums, or adds them to what is there, and keeps the maximum of each column.
template <bool kAdds>
struct PutAndMax {
  template <int kRows, int kVectors>
  HWY_INLINE void operator()(const Vec (&sums)[kRows][kVectors], int64_t row,
                             int64_t column) const {
#pragma GCC unroll 8
    for (int j = 0; j < kVectors; ++j) {
      Vec most = load(column_max + column + j * kLanes);
#pragma GCC unroll 8
      for (int i = 0; i < kRows; ++i) {
        float* to = c.data + (row + i) * c.stride + column + j * kLanes;
        const Vec total = kAdds ? hn::Add(load(to), sums[i][j]) : sums[i][j];
        store(total, to);
        most = hn::Max(most, total);
      }
      store(most, column_max + column + j * kLanes);
    }
  }
  Matrix c;
  float* column_max;
};

// Reading ahead: a product computes for long enough to fetch what the next step will need. `Ahead`
// is asked for a line of cache every few steps of the depth, evenly, because a core can wait for
// only a few lines at a time.
struct NothingAhead {
  HWY_INLINE void next_line() const {}
};
constexpr int64_t kStepsPerLine = 8;

// One register tile. `a` points to A(row, first k), `b` to B[first k][column].
template <int kRows, int kVectors, Order kOrder, class Finish, class Ahead>
HWY_INLINE void multiply_tile(ConstMatrix a, ConstMatrix b, int64_t depth, int64_t row,
                              int64_t column, const Finish& finish, Ahead& ahead) {
  Vec sums[kRows][kVectors];
#pragma GCC unroll 8
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 8
    for (int j = 0; j < kVectors; ++j) sums[i][j] = hn::Zero(Floats());
  }
  const auto add_step = [&](int64_t k) HWY_ATTR {
    Vec columns[kVectors];
#pragma GCC unroll 8
    for (int j = 0; j < kVectors; ++j) columns[j] = load(b.data + k * b.stride + j * kLanes);
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i) {
      const int64_t at = kOrder == Order::rows ? i * a.stride + k : k * a.stride + i;
      const Vec value = splat(a.data[at]);
#pragma GCC unroll 8
      for (int j = 0; j < kVectors; ++j) {
        sums[i][j] = hn::MulAdd(value, columns[j], sums[i][j]);
      }
    }
  };
  int64_t k = 0;
  for (; k + kStepsPerLine <= depth; k += kStepsPerLine) {
    ahead.next_line();
#pragma GCC unroll 8
    for (int64_t step = 0; step < kStepsPerLine; ++step) add_step(k + step);
  }
  for (; k < depth; ++k) add_step(k);
  finish(sums, row, column);
}

struct Range {
  int64_t begin, end;
};
// The part of the depth that a tile of rows needs: all of it, or less beside a causal diagonal.
struct WholeDepth {
  int64_t depth;
  HWY_INLINE Range operator()(int64_t /*row*/, int64_t /*rows*/) const { return {0, depth}; }
};

template <int kRows, int kVectors, Order kOrder, class Finish, class Depth, class Ahead>
HWY_INLINE void multiply_rows(ConstMatrix a, ConstMatrix b, int64_t row, int64_t column,
                              const Depth& depth, const Finish& finish, Ahead& ahead) {
  const Range range = depth(row, kRows);
  const int64_t a_offset =
      kOrder == Order::rows ? row * a.stride + range.begin : range.begin * a.stride + row;
  multiply_tile<kRows, kVectors, kOrder>({a.data + a_offset, a.stride},
                                         {b.data + range.begin * b.stride + column, b.stride},
                                         range.end - range.begin, row, column, finish, ahead);
}

// All tiles of a strip of columns. `rows` is even: tiles of 6, and of 4 or 2 where 6 do not fit.
template <int kVectors, Order kOrder, class Finish, class Depth, class Ahead>
HWY_NOINLINE void multiply_strip(ConstMatrix a, ConstMatrix b, int64_t rows, int64_t column,
                                 Depth depth, Finish finish, Ahead ahead) {
  const int64_t fours = rows % 6 == 0 ? 0 : rows % 6 == 4 ? 1 : rows >= 8 ? 2 : 0;
  int64_t row = 0;
  for (; row + 6 <= rows - 4 * fours; row += 6) {
    multiply_rows<6, kVectors, kOrder>(a, b, row, column, depth, finish, ahead);
  }
  for (; row + 4 <= rows; row += 4) {
    multiply_rows<4, kVectors, kOrder>(a, b, row, column, depth, finish, ahead);
  }
  if (row < rows) multiply_rows<2, kVectors, kOrder>(a, b, row, column, depth, finish, ahead);
}

// The whole product. `columns` is rounded up to whole vectors: B and C are padded that far.
template <Order kOrder, class Finish, class Depth, class Ahead>
void multiply(ConstMatrix a, ConstMatrix b, int64_t rows, int64_t columns, Depth depth,
              Finish finish, Ahead ahead) {
  int64_t column = 0;
  for (; column + kPanelRows <= columns; column += kPanelRows) {
    multiply_strip<kTileVectors, kOrder>(a, b, rows, column, depth, finish, ahead);
  }
  const int64_t vectors = (columns - column + kLanes - 1) / kLanes;
  if (vectors == 1) multiply_strip<1, kOrder>(a, b, rows, column, depth, finish, ahead);
  if constexpr (kTileVectors > 2) {
    if (vectors == 2) multiply_strip<2, kOrder>(a, b, rows, column, depth, finish, ahead);
    if (vectors == 3) multiply_strip<3, kOrder>(a, b, rows, column, depth, finish, ahead);
  }
  if (vectors == kTileVectors) {
    multiply_strip<kTileVectors, kOrder>(a, b, rows, column, depth, finish, ahead);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace cpu_flash
HWY_AFTER_NAMESPACE();
#endif  // include guard
