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

// Turns 4 rows of 4 into 4 columns.
HWY_INLINE void transpose(hn::Vec<Quad> (&rows)[4]) {
  const Quad d;
  const hn::Vec<Quad> even_low = hn::InterleaveLower(d, rows[0], rows[2]);
  const hn::Vec<Quad> odd_low = hn::InterleaveLower(d, rows[1], rows[3]);
  const hn::Vec<Quad> even_high = hn::InterleaveUpper(d, rows[0], rows[2]);
  const hn::Vec<Quad> odd_high = hn::InterleaveUpper(d, rows[1], rows[3]);
  rows[0] = hn::InterleaveLower(d, even_low, odd_low);
  rows[1] = hn::InterleaveUpper(d, even_low, odd_low);
  rows[2] = hn::InterleaveLower(d, even_high, odd_high);
  rows[3] = hn::InterleaveUpper(d, even_high, odd_high);
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
  const Quad quad;
  const T* zeros = reinterpret_cast<const T*>(kZeroRow);
  for (int64_t lane = 0; lane < kPanelRows; lane += 4) {
    const T* lanes[4];
    for (int64_t i = 0; i < 4; ++i) {
      lanes[i] = lane + i < rows ? from + (lane + i) * from_stride : zeros;
    }
    for (int64_t d = 0; d < dim; d += 4) {
      hn::Vec<Quad> block[4];
      for (int i = 0; i < 4; ++i) {
        block[i] = hn::Mul(load_as_float(quad, lanes[i] + d), hn::Set(quad, factor));
      }
      transpose(block);
      for (int i = 0; i < 4; ++i) hn::StoreU(block[i], quad, to + (d + i) * kPanelRows + lane);
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
      transpose(block);
      for (int64_t i = 0; i < used; ++i) {
        store_from_float(block[i], quad, to + (lane + i) * to_stride + d);
      }
    }
  }
}

// to[key * to_stride + lane] = factor * from[lane][key] for a part of BIAS, whose axes may be
// broadcast.
template <class T>
void pack_bias(const T* from, int64_t row_stride, int64_t key_stride, int64_t rows, int64_t keys,
               float factor, float* to, int64_t to_stride) {
  const Quad quad;
  const hn::CappedTag<float, 1> one;
  const auto scaled = [factor, one](const T* value)
                          HWY_ATTR { return factor * hn::GetLane(load_as_float(one, value)); };
  for (int64_t lane = 0; lane < rows; lane += 4) {
    const T* lanes[4];  // past the last row, the last one again: those lanes are never read
    for (int64_t i = 0; i < 4; ++i) {
      lanes[i] = from + std::min(lane + i, rows - 1) * row_stride;
    }
    int64_t key = 0;
    for (; key_stride == 1 && key + 4 <= keys; key += 4) {
      hn::Vec<Quad> block[4];
      for (int i = 0; i < 4; ++i) {
        block[i] = hn::Mul(load_as_float(quad, lanes[i] + key), hn::Set(quad, factor));
      }
      transpose(block);
      for (int i = 0; i < 4; ++i) hn::StoreU(block[i], quad, to + (key + i) * to_stride + lane);
    }
    for (; key < keys; ++key) {
      for (int i = 0; i < 4; ++i) {
        to[key * to_stride + lane + i] = scaled(lanes[i] + key * key_stride);
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
