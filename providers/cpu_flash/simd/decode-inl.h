// Forward for a handful of query rows, as in decoding: each key is read once and used at most 4
// times, so the time is that of reading K and V, straight from the tensors. Lanes run along
// head_dim, and keys are split between threads.
#if defined(CPU_FLASH_DECODE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef CPU_FLASH_DECODE_INL_H
#undef CPU_FLASH_DECODE_INL_H
#else
#define CPU_FLASH_DECODE_INL_H
#endif

#include "simd/forward-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cpu_flash {
namespace HWY_NAMESPACE {

// scores[row][key] = Q[row] . K[key], for rows and keys as they lie.
template <int kRows, class T>
HWY_NOINLINE void dot_keys(const float* q, int64_t q_stride, const T* k, int64_t k_stride,
                           int64_t keys, int64_t dim, float* scores, int64_t scores_stride) {
  const Eight eight;
  for (int64_t key = 0; key < keys; ++key, k += k_stride) {
    Vec sums[kRows];
#pragma GCC unroll 4
    for (int row = 0; row < kRows; ++row) sums[row] = hn::Zero(Floats());
    int64_t d = 0;
    for (; d + kLanes <= dim; d += kLanes) {
      const Vec values = load_as_float(Floats(), k + d);
#pragma GCC unroll 4
      for (int row = 0; row < kRows; ++row) {
        sums[row] = hn::MulAdd(values, load(q + row * q_stride + d), sums[row]);
      }
    }
#pragma GCC unroll 4
    for (int row = 0; row < kRows; ++row) {
      float total = hn::GetLane(hn::SumOfLanes(Floats(), sums[row]));
      if (d < dim) {
        const hn::Vec<Eight> rest =
            hn::Mul(load_as_float(eight, k + d), hn::LoadU(eight, q + row * q_stride + d));
        total += hn::GetLane(hn::SumOfLanes(eight, rest));
      }
      scores[row * scores_stride + key] = total;
    }
  }
}

// o[row][d] += sum over keys of weights[row][key] * V[key][d], for kVectors vectors from d on.
template <int kRows, int kVectors, class D, class T>
HWY_NOINLINE void add_values(D lanes, const float* weights, int64_t weights_stride, const T* v,
                             int64_t v_stride, int64_t keys, float* o, int64_t o_stride) {
  constexpr int64_t kStep = hn::MaxLanes(lanes);
  hn::Vec<D> sums[kRows][kVectors];
#pragma GCC unroll 8
  for (int row = 0; row < kRows; ++row) {
#pragma GCC unroll 8
    for (int j = 0; j < kVectors; ++j) {
      sums[row][j] = hn::LoadU(lanes, o + row * o_stride + j * kStep);
    }
  }
  for (int64_t key = 0; key < keys; ++key, v += v_stride) {
    hn::Vec<D> values[kVectors];
#pragma GCC unroll 8
    for (int j = 0; j < kVectors; ++j) values[j] = load_as_float(lanes, v + j * kStep);
#pragma GCC unroll 8
    for (int row = 0; row < kRows; ++row) {
      const hn::Vec<D> weight = hn::Set(lanes, weights[row * weights_stride + key]);
#pragma GCC unroll 8
      for (int j = 0; j < kVectors; ++j) {
        sums[row][j] = hn::MulAdd(weight, values[j], sums[row][j]);
      }
    }
  }
#pragma GCC unroll 8
  for (int row = 0; row < kRows; ++row) {
#pragma GCC unroll 8
    for (int j = 0; j < kVectors; ++j) {
      hn::StoreU(sums[row][j], lanes, o + row * o_stride + j * kStep);
    }
  }
}

// One K and V head with all query rows that read it, against one split of the keys. kRows is the
// number of rows, rounded up; rows behind the last repeat it and are thrown away.
template <class T, int kRows>
class DecodeItem {
 public:
  DecodeItem(const Forward& job, const ForwardLayout& layout, float* mine, int64_t batch,
             int64_t kv_head, int64_t split)
      : job_(job),
        shape_(job.shape),
        layout_(layout),
        mine_(mine),
        batch_(batch),
        kv_head_(kv_head),
        split_(split),
        rows_(ForwardLayout::rows_of_group(job.shape)) {}

  void run() {
    const float factor = static_cast<float>(shape_.scale * kLog2e);
    const Eight eight;
    for (int64_t row = 0; row < kRows; ++row) {
      const T* from = row_of<T>(job_.q, batch_, head_of(row), row_index(row));
      for (int64_t d = 0; d < shape_.dim_qk; d += hn::MaxLanes(eight)) {
        hn::StoreU(hn::Mul(load_as_float(eight, from + d), hn::Set(eight, factor)), eight,
                   mine_ + layout_.q + row * q_stride() + d);
      }
      std::fill_n(o(row), o_stride(), 0.0f);
      max_[row] = -kInfinity;
      sum_[row] = 0;
    }
    const int64_t keys_per_split = round_up(divide_up(shape_.keys, job_.blocks.num_splits), 2);
    const int64_t begin = split_ * keys_per_split;
    const int64_t end = std::min(begin + keys_per_split, shape_.visible_keys(shape_.rows - 1));
    for (int64_t key = begin; key < end; key += job_.blocks.block_k) {
      add_block(key, std::min(job_.blocks.block_k, end - key));
    }
    for (int64_t row = 0; row < rows_; ++row) finish(row);
  }

 private:
  int64_t head_of(int64_t row) const {
    return kv_head_ * shape_.group() + std::min(row, rows_ - 1) / shape_.rows;
  }
  int64_t row_index(int64_t row) const { return std::min(row, rows_ - 1) % shape_.rows; }
  int64_t q_stride() const { return row_floats(shape_.dim_qk); }
  int64_t o_stride() const { return row_floats(shape_.dim_v); }
  int64_t scores_stride() const { return round_up(job_.blocks.block_k, 16); }
  float* o(int64_t row) const { return mine_ + layout_.o + row * o_stride(); }
  float* scores(int64_t row) const { return mine_ + layout_.scores + row * scores_stride(); }

  void add_block(int64_t first_key, int64_t keys) {
    dot_keys<kRows>(mine_ + layout_.q, q_stride(), row_of<T>(job_.k, batch_, kv_head_, first_key),
                    job_.k.row_stride, keys, shape_.dim_qk, scores(0), scores_stride());
    for (int64_t row = 0; row < kRows; ++row) update_row(row, first_key, keys);

    const T* v = row_of<T>(job_.v, batch_, kv_head_, first_key);
    constexpr int kVectors =
        kRows * kTileVectors * 2 <= 4 * kTileVectors ? 2 * kTileVectors : kTileVectors;
    int64_t d = 0;
    for (; d + kVectors * kLanes <= shape_.dim_v; d += kVectors * kLanes) {
      add_values<kRows, kVectors>(Floats(), scores(0), scores_stride(), v + d, job_.v.row_stride,
                                  keys, o(0) + d, o_stride());
    }
    for (; d + kLanes <= shape_.dim_v; d += kLanes) {
      add_values<kRows, 1>(Floats(), scores(0), scores_stride(), v + d, job_.v.row_stride, keys,
                           o(0) + d, o_stride());
    }
    if (d < shape_.dim_v) {
      add_values<kRows, 1>(Eight(), scores(0), scores_stride(), v + d, job_.v.row_stride, keys,
                           o(0) + d, o_stride());
    }
  }

  // Online softmax of one row; behind the last key, scores are filled up to a whole vector.
  void update_row(int64_t row, int64_t first_key, int64_t keys) {
    float* s = scores(row);
    if (job_.bias.data) add_bias(row, first_key, keys);
    const int64_t seen =
        std::clamp<int64_t>(shape_.visible_keys(row_index(row)) - first_key, 0, keys);
    const int64_t padded_keys = round_up(keys, 16);
    std::fill(s + seen, s + padded_keys, -kInfinity);
    Vec most = splat(-kInfinity);
    for (int64_t key = 0; key < padded_keys; key += kLanes) most = hn::Max(most, load(s + key));
    const float new_max = std::max(max_[row], hn::GetLane(hn::MaxOfLanes(Floats(), most)));
    const Vec safe_max = splat(new_max == -kInfinity ? 0.0f : new_max);
    Vec sum = hn::Zero(Floats());
    for (int64_t key = 0; key < padded_keys; key += kLanes) {
      const Vec weight = exp2(hn::Sub(load(s + key), safe_max));
      sum = hn::Add(sum, weight);
      store(weight, s + key);
    }
    const Vec shrink = exp2(hn::Sub(splat(max_[row]), safe_max));
    for (int64_t d = 0; d < shape_.dim_v; d += kLanes) {
      store(hn::Mul(load(o(row) + d), shrink), o(row) + d);
    }
    sum_[row] = sum_[row] * hn::GetLane(shrink) + hn::GetLane(hn::SumOfLanes(Floats(), sum));
    max_[row] = new_max;
  }

  void add_bias(int64_t row, int64_t first_key, int64_t keys) {
    const Bias& bias = job_.bias;
    const T* from = bias_at<T>(bias, batch_, head_of(row), row_index(row), first_key);
    const hn::CappedTag<float, 1> one;
    float* s = scores(row);
    int64_t key = 0;
    for (; bias.key_stride == 1 && key + kLanes <= keys; key += kLanes) {
      const Vec value = load_as_float(Floats(), from + key);
      store(hn::MulAdd(value, splat(static_cast<float>(kLog2e)), load(s + key)), s + key);
    }
    for (; key < keys; ++key) {
      s[key] += hn::GetLane(load_as_float(one, from + key * bias.key_stride)) *
                static_cast<float>(kLog2e);
    }
  }

  void finish(int64_t row) const {
    const int64_t head = head_of(row), index = row_index(row);
    if (job_.blocks.num_splits > 1) {
      float* shared = reinterpret_cast<float*>(job_.workspace);
      const int64_t at =
          ((batch_ * shape_.heads_q + head) * shape_.rows + index) * job_.blocks.num_splits +
          split_;
      std::copy_n(o(row), shape_.dim_v, shared + layout_.partial_o + at * shape_.dim_v);
      shared[layout_.partial_max + at] = max_[row];
      shared[layout_.partial_sum + at] = sum_[row];
      return;
    }
    const float inverse = sum_[row] == 0 ? 0.0f : 1.0f / sum_[row];
    write_rows(o(row), o_stride(), inverse, 1, shape_.dim_v,
               output_row_of<T>(job_.o, batch_, head, index), job_.o.row_stride);
    write_lse(job_, batch_, head, index, max_[row], sum_[row]);
  }

  const Forward& job_;
  const Shape& shape_;
  const ForwardLayout& layout_;
  float* const mine_;
  const int64_t batch_, kv_head_, split_, rows_;
  float max_[kRows], sum_[kRows];
};

// Puts the splits of row `index` together.
template <class T>
void combine_row(const Forward& job, const ForwardLayout& layout, float* mine, int64_t index) {
  const Shape& shape = job.shape;
  const int64_t splits = job.blocks.num_splits;
  const float* shared = reinterpret_cast<const float*>(job.workspace);
  const float* maxima = shared + layout.partial_max + index * splits;
  const float* sums = shared + layout.partial_sum + index * splits;
  const float* outputs = shared + layout.partial_o + index * splits * shape.dim_v;
  const Eight eight;

  const float max = *std::max_element(maxima, maxima + splits);
  const float safe_max = max == -kInfinity ? 0.0f : max;
  float* o = mine + layout.o;
  std::fill_n(o, shape.dim_v, 0.0f);
  float sum = 0;
  for (int64_t split = 0; split < splits; ++split) {
    const float weight = hn::GetLane(exp2(splat(maxima[split] - safe_max)));
    sum += weight * sums[split];
    for (int64_t d = 0; d < shape.dim_v; d += hn::MaxLanes(eight)) {
      const hn::Vec<Eight> part = hn::LoadU(eight, outputs + split * shape.dim_v + d);
      hn::StoreU(hn::MulAdd(part, hn::Set(eight, weight), hn::LoadU(eight, o + d)), eight, o + d);
    }
  }
  const int64_t row = index % shape.rows, head = index / shape.rows % shape.heads_q;
  const int64_t batch = index / shape.rows / shape.heads_q;
  write_rows(o, shape.dim_v, sum == 0 ? 0.0f : 1.0f / sum, 1, shape.dim_v,
             output_row_of<T>(job.o, batch, head, row), job.o.row_stride);
  write_lse(job, batch, head, row, max, sum);
}

}  // namespace HWY_NAMESPACE
}  // namespace cpu_flash
HWY_AFTER_NAMESPACE();
#endif  // include guard
