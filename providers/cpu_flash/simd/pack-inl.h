// Tensors come in any of three dtypes and with gaps between rows; kernels want fp32 in L2, either
// as rows (copy_rows) or turned so that query rows become lanes (pack_panel). Rows are padded with
// zeros to whole vectors, panels to their full width.
#if defined(CPU_FLASH_PACK_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef CPU_FLASH_PACK_INL_H
#undef CPU_FLASH_PACK_INL_H
#else
#define CPU_FLASH_PACK_INL_H
#endif

#include <algorithm>

#include "simd/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cpu_flash {
namespace HWY_NAMESPACE {

constexpr int64_t kMaxHeadDim = 256;
alignas(64) inline constexpr float kZeroRow[kMaxHeadDim] = {};  // zero in every dtype

using Quad = hn::FixedTag<float, 4>;
using Eight = hn::CappedTag<float, HWY_MIN(kLanes, 8)>;

// In each block of 4 lanes, turns 4 rows of 4 into 4 columns.
template <class D, class V = hn::Vec<D>>
HWY_INLINE void transpose(D d, V (&rows)[4]) {
  const V even_low = hn::InterleaveLower(d, rows[0], rows[2]);
  const V odd_low = hn::InterleaveLower(d, rows[1], rows[3]);
  const V even_high = hn::InterleaveUpper(d, rows[0], rows[2]);
  const V odd_high = hn::InterleaveUpper(d, rows[1], rows[3]);
  rows[0] = hn::InterleaveLower(d, even_low, odd_low);
  rows[1] = hn::InterleaveUpper(d, even_low, odd_low);
  rows[2] = hn::InterleaveLower(d, even_high, odd_high);
  rows[3] = hn::InterleaveUpper(d, even_high, odd_high);
}

// Block b of the result is rows[4 * b][column] and the three numbers after it.
template <class D, class T>
HWY_INLINE hn::Vec<D> load_blocks(D d, const T* const* rows, int64_t column) {
  if constexpr (hn::MaxLanes(d) == 4) {
    return load_as_float(d, rows[0] + column);
  } else {
    const hn::Half<D> half;
    return hn::Combine(d, load_blocks(half, rows + hn::MaxLanes(half), column),
                       load_blocks(half, rows, column));
  }
}

// out[i] = the numbers at column + i of kLanes rows, for i < 4. Gathering whole blocks first makes
// one shuffle turn as many numbers as a vector holds.
template <class T>
HWY_INLINE void load_columns(const T* const* rows, int64_t column, Vec (&out)[4]) {
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) out[i] = load_blocks(Floats(), rows + i, column);
  transpose(Floats(), out);
}

// Copies `rows` rows of `dim` numbers into rows of `to_stride` floats; what is left up to a whole
// vector becomes 0.
template <class T>
void copy_rows(const T* from, int64_t from_stride, int64_t rows, int64_t dim, float* to,
               int64_t to_stride) {
  const int64_t padded_dim = hwy::RoundUpTo(static_cast<size_t>(dim), kLanes);
  for (int64_t row = 0; row < rows; ++row, from += from_stride, to += to_stride) {
    int64_t i = 0;
    for (; i + kLanes <= dim; i += kLanes) store(load_as_float(Floats(), from + i), to + i);
    if (i < padded_dim) {  // head_dim is a multiple of 8: half a vector of 16 is left
      store(hn::Zero(Floats()), to + i);
      hn::StoreU(load_as_float(Eight(), from + i), Eight(), to + i);
    }
  }
}

inline void zero_rows(int64_t rows, int64_t dim, float* to, int64_t to_stride) {
  const int64_t padded_dim = hwy::RoundUpTo(static_cast<size_t>(dim), kLanes);
  for (int64_t row = 0; row < rows; ++row) std::fill_n(to + row * to_stride, padded_dim, 0.0f);
}

// to[d][lane] = factor * from[lane][d]; lanes from `rows` on become 0.
template <class T>
void pack_panel(const T* from, int64_t from_stride, int64_t rows, int64_t dim, float factor,
                float* to) {
  const T* zeros = reinterpret_cast<const T*>(kZeroRow);
  for (int64_t lane = 0; lane < kPanelRows; lane += kLanes) {
    const T* lanes[kLanes];
    for (int64_t i = 0; i < kLanes; ++i) {
      lanes[i] = lane + i < rows ? from + (lane + i) * from_stride : zeros;
    }
    for (int64_t d = 0; d < dim; d += 4) {
      Vec columns[4];
      load_columns(lanes, d, columns);
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) {
        store(hn::Mul(columns[i], splat(factor)), to + (d + i) * kPanelRows + lane);
      }
    }
  }
}

// The way back: to[lane][d] = factors[lane] * from[d][lane] for the first `rows` lanes.
template <class T>
void unpack_panel(const float* from, const float* factors, int64_t rows, int64_t dim, T* to,
                  int64_t to_stride) {
  const Quad quad;
  for (int64_t lane = 0; lane < rows; lane += 4) {
    const hn::Vec<Quad> factor = hn::LoadU(quad, factors + lane);
    const int64_t used = std::min<int64_t>(4, rows - lane);
    for (int64_t d = 0; d < dim; d += 4) {
      hn::Vec<Quad> block[4];
      for (int i = 0; i < 4; ++i) {
        block[i] = hn::Mul(hn::LoadU(quad, from + (d + i) * kPanelRows + lane), factor);
      }
      transpose(quad, block);
      for (int64_t i = 0; i < used; ++i) {
        store_from_float(block[i], quad, to + (lane + i) * to_stride + d);
      }
    }
  }
}

// Copies `count` numbers that lie `stride` apart.
template <class T>
void copy_strided(const T* from, int64_t stride, int64_t count, float* to) {
  const hn::CappedTag<float, 1> one;
  int64_t i = 0;
  for (; stride == 1 && i + kLanes <= count; i += kLanes) {
    store(load_as_float(Floats(), from + i), to + i);
  }
  for (; i < count; ++i) to[i] = hn::GetLane(load_as_float(one, from + i * stride));
}

// to[key * to_stride + lane] = factor * from[lane][key] for a part of BIAS, whose axes may be
// broadcast. Rows of a bias are often a power of two apart, so that a column of them falls into
// one set of the cache: they are copied closer before they are turned.
template <class T>
void pack_bias(const T* from, int64_t row_stride, int64_t key_stride, int64_t rows, int64_t keys,
               float factor, float* to, int64_t to_stride) {
  constexpr int64_t kKeys = 256, kRowFloats = kKeys + 16;
  alignas(64) float copies[kLanes * kRowFloats];
  const float* lanes[kLanes];
  for (int64_t i = 0; i < kLanes; ++i) lanes[i] = copies + i * kRowFloats;
  for (int64_t lane = 0; lane < rows; lane += kLanes) {
    for (int64_t first_key = 0; first_key < keys; first_key += kKeys) {
      const int64_t used_keys = std::min(kKeys, keys - first_key);
      for (int64_t i = 0; i < kLanes; ++i) {  // past the last row, that one again: never read
        const int64_t row = std::min(lane + i, rows - 1);
        copy_strided(from + row * row_stride + first_key * key_stride, key_stride, used_keys,
                     copies + i * kRowFloats);
      }
      for (int64_t key = 0; key < used_keys; key += 4) {
        Vec columns[4];
        load_columns(lanes, key, columns);
        const int64_t used = std::min<int64_t>(4, used_keys - key);
        for (int64_t i = 0; i < used; ++i) {
          store(hn::Mul(columns[i], splat(factor)), to + (first_key + key + i) * to_stride + lane);
        }
      }
    }
  }
}

// Writes rows of floats, times `factor`, as T. Nothing behind `dim` is touched.
template <class T>
void write_rows(const float* from, int64_t from_stride, float factor, int64_t rows, int64_t dim,
                T* to, int64_t to_stride) {
  const Eight eight;
  constexpr int64_t kStep = hn::MaxLanes(eight);
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t d = 0; d < dim; d += kStep) {
      const hn::Vec<Eight> value = hn::LoadU(eight, from + row * from_stride + d);
      store_from_float(hn::Mul(value, hn::Set(eight, factor)), eight, to + row * to_stride + d);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace cpu_flash
HWY_AFTER_NAMESPACE();
#endif  // include guard
