// Forward: a few panels of query rows stay in L2 with their outputs while the keys stream past in
// blocks. For each block and panel: scores, softmax, outputs. All stays as S^T and O^T until the
// end.
#if defined(CPU_FLASH_FORWARD_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef CPU_FLASH_FORWARD_INL_H
#undef CPU_FLASH_FORWARD_INL_H
#else
#define CPU_FLASH_FORWARD_INL_H
#endif

#include <cmath>

#include "layout.h"
#include "simd/ahead-inl.h"
#include "simd/gemm-inl.h"
#include "simd/pack-inl.h"
#include "simd/softmax-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cpu_flash {
namespace HWY_NAMESPACE {

template <class T>
const T* row_of(const Tensor& tensor, int64_t batch, int64_t head, int64_t row) {
  return reinterpret_cast<const T*>(tensor.data) + batch * tensor.batch_stride +
         head * tensor.head_stride + row * tensor.row_stride;
}
template <class T>
T* output_row_of(const Tensor& tensor, int64_t batch, int64_t head, int64_t row) {
  return const_cast<T*>(row_of<T>(tensor, batch, head, row));
}

template <class T>
const T* bias_at(const Bias& bias, int64_t batch, int64_t head, int64_t row, int64_t key) {
  return reinterpret_cast<const T*>(bias.data) + batch * bias.batch_stride +
         head * bias.head_stride + row * bias.row_stride + key * bias.key_stride;
}

// A panel is a query head and the rows it covers. Heads of a group alternate, so that neighbours
// see about the same keys.
struct Panel {
  int64_t head, first_row, rows;
};
inline Panel panel_at(const Shape& shape, int64_t kv_head, int64_t index) {
  const int64_t first_row = index / shape.group() * kPanelRows;
  return {kv_head * shape.group() + index % shape.group(), first_row,
          std::min<int64_t>(kPanelRows, shape.rows - first_row)};
}

// LSE = ln(2^max * sum), if asked for; -inf for a row that saw nothing.
inline void write_lse(const Forward& job, int64_t batch, int64_t head, int64_t row, float max,
                      float sum) {
  if (!job.lse.data) return;
  float* lse = reinterpret_cast<float*>(job.lse.data);
  lse[batch * job.lse.batch_stride + head * job.lse.head_stride + row * job.lse.row_stride] =
      static_cast<float>((static_cast<double>(max) + std::log2(sum)) * kLn2);
}

// What one item has in hand: keys [begin, end) of one K and V head against some panels.
template <class T>
class ForwardItem {
 public:
  ForwardItem(const Forward& job, const ForwardLayout& layout, float* mine, int64_t batch,
              int64_t kv_head, int64_t first_panel, int64_t num_panels, int64_t split)
      : job_(job),
        shape_(job.shape),
        layout_(layout),
        mine_(mine),
        batch_(batch),
        kv_head_(kv_head),
        first_panel_(first_panel),
        num_panels_(num_panels),
        split_(split) {}

  void run() {
    int64_t visible_end = 0;
    for (int64_t i = 0; i < num_panels_; ++i) {
      const Panel panel = panel_at(shape_, kv_head_, first_panel_ + i);
      visible_end = std::max(visible_end, shape_.visible_keys(panel.first_row + panel.rows - 1));
      start(panel, i);
    }
    const int64_t keys_per_split = round_up(divide_up(shape_.keys, job_.blocks.num_splits), 2);
    const int64_t begin = split_ * keys_per_split;
    const int64_t end = std::min(begin + keys_per_split, visible_end);
    if (begin < end) {
      const int64_t blocks = divide_up(end - begin, job_.blocks.block_k);
      const int64_t step = round_up(divide_up(end - begin, blocks), 2);
      for (int64_t key = begin; key < end; key += step) {
        // The next item most likely begins where this one did.
        const int64_t next = key + step < end ? key + step : begin;
        const int64_t next_keys = std::min(step, end - next);
        ReadAhead reader;
        reader.add(kv_rows(job_.k, shape_.dim_qk, next, next_keys));
        reader.add(kv_rows(job_.v, shape_.dim_v, next, next_keys));
        add_block(key, std::min(step, end - key), next, next_keys, reader);
      }
    }
    for (int64_t i = 0; i < num_panels_; ++i) {
      finish(panel_at(shape_, kv_head_, first_panel_ + i), i);
    }
  }

 private:
  float* q(int64_t i) const { return mine_ + layout_.q + i * kPanelRows * shape_.dim_qk; }
  float* o(int64_t i) const { return mine_ + layout_.o + i * kPanelRows * shape_.dim_v; }
  float* row_max(int64_t i) const { return mine_ + layout_.row_max + i * kPanelRows; }
  float* row_sum(int64_t i) const { return mine_ + layout_.row_sum + i * kPanelRows; }
  float* scores() const { return mine_ + layout_.scores; }

  void start(const Panel& panel, int64_t i) const {
    pack_panel(row_of<T>(job_.q, batch_, panel.head, panel.first_row), job_.q.row_stride,
               panel.rows, shape_.dim_qk, static_cast<float>(shape_.scale * kLog2e), q(i));
    std::fill_n(o(i), kPanelRows * shape_.dim_v, 0.0f);
    std::fill_n(row_max(i), kPanelRows, -kInfinity);
    std::fill_n(row_sum(i), kPanelRows, 0.0f);
  }

  Rows kv_rows(const Tensor& tensor, int64_t dim, int64_t first_key, int64_t keys) const {
    constexpr int64_t kBytes = static_cast<int64_t>(sizeof(T));
    return {row_of<T>(tensor, batch_, kv_head_, first_key), tensor.row_stride * kBytes,
            dim * kBytes, keys};
  }

  void add_block(int64_t first_key, int64_t keys, int64_t next_key, int64_t next_keys,
                 ReadAhead& reader) const {
    const int64_t k_stride = row_floats(shape_.dim_qk), v_stride = row_floats(shape_.dim_v);
    float* k = mine_ + layout_.k;
    float* v = mine_ + layout_.v;
    copy_rows(row_of<T>(job_.k, batch_, kv_head_, first_key), job_.k.row_stride, keys,
              shape_.dim_qk, k, k_stride);
    if (keys % 2 != 0) zero_rows(1, shape_.dim_qk, k + keys * k_stride, k_stride);
    copy_rows(row_of<T>(job_.v, batch_, kv_head_, first_key), job_.v.row_stride, keys, shape_.dim_v,
              v, v_stride);
    for (int64_t i = 0; i < num_panels_; ++i) {
      const Panel panel = panel_at(shape_, kv_head_, first_panel_ + i);
      const int64_t last_row = panel.first_row + panel.rows - 1;
      const int64_t seen = std::min(keys, shape_.visible_keys(last_row) - first_key);
      if (seen <= 0) continue;
      ReadAhead bias_reader;
      Ahead ahead{&reader, nullptr};
      if (job_.bias.data) {
        const bool is_last = i + 1 == num_panels_;
        const Panel next = panel_at(shape_, kv_head_, first_panel_ + (is_last ? 0 : i + 1));
        const Rows rows =
            bias_rows(next, is_last ? next_key : first_key, is_last ? next_keys : keys);
        bias_reader.add(rows);
        ahead.bias = &bias_reader;
        // As many lines as the two products below have occasions.
        ahead.bias_lines =
            divide_up(rows.count * divide_up(rows.length, 64) * kStepsPerLine * kTileRows,
                      2 * seen * shape_.dim_qk);
      }
      const int64_t vectors = divide_up(panel.rows, kLanes);
      if (vectors == 1) add_keys<1>(panel, i, first_key, seen, ahead);
      if (vectors == 2) add_keys<2>(panel, i, first_key, seen, ahead);
      if constexpr (kTileVectors > 2) {
        if (vectors == 3) add_keys<3>(panel, i, first_key, seen, ahead);
        if (vectors == 4) add_keys<4>(panel, i, first_key, seen, ahead);
      }
    }
  }

  Rows bias_rows(const Panel& panel, int64_t first_key, int64_t keys) const {
    constexpr int64_t kBytes = static_cast<int64_t>(sizeof(T));
    return {bias_at<T>(job_.bias, batch_, panel.head, panel.first_row, first_key),
            job_.bias.row_stride * kBytes, keys * job_.bias.key_stride * kBytes, panel.rows};
  }

  // The paper's inner step, for one panel and the block of keys that lies packed.
  template <int kVectors>
  void add_keys(const Panel& panel, int64_t i, int64_t first_key, int64_t keys, Ahead ahead) const {
    const ConstMatrix k{mine_ + layout_.k, row_floats(shape_.dim_qk)};
    const ConstMatrix v{mine_ + layout_.v, row_floats(shape_.dim_v)};
    const Matrix s{scores(), kPanelRows};
    const int64_t even_keys = round_up(keys, 2);
    float* column_max = mine_ + layout_.column_max;
    float* shrink = mine_ + layout_.shrink;

    std::fill_n(column_max, kPanelRows, -kInfinity);
    const WholeDepth head_dim{shape_.dim_qk};
    if (job_.bias.data) {
      add_bias(panel, first_key, keys);
      multiply_strip<kVectors, Order::rows>(k, {q(i), kPanelRows}, even_keys, 0, head_dim,
                                            PutAndMax<true>{s, column_max}, ahead);
    } else {
      multiply_strip<kVectors, Order::rows>(k, {q(i), kPanelRows}, even_keys, 0, head_dim,
                                            PutAndMax<false>{s, column_max}, ahead);
    }
    const int64_t first_limit = panel.first_row + shape_.diagonal - first_key;
    const bool hides = shape_.is_causal && first_limit + 1 < keys;
    if (hides) hide_keys<kVectors>(keys, first_limit, scores());
    if (hides || keys != even_keys) column_maximum<kVectors>(keys, scores(), column_max);

    const bool shrinks =
        update_softmax<kVectors>(keys, scores(), column_max, row_max(i), row_sum(i), shrink);
    const ConstMatrix p{scores(), kPanelRows};
    const Matrix output{o(i), kPanelRows};
    if (shrinks) {
      multiply_strip<kVectors, Order::turned>(v, p, shape_.dim_v, 0, WholeDepth{keys},
                                              ShrinkAndAccumulate(output, shrink), ahead);
    } else {
      multiply_strip<kVectors, Order::turned>(v, p, shape_.dim_v, 0, WholeDepth{keys},
                                              Accumulate(output), ahead);
    }
  }

  void add_bias(const Panel& panel, int64_t first_key, int64_t keys) const {
    const Bias& bias = job_.bias;
    pack_bias(bias_at<T>(bias, batch_, panel.head, panel.first_row, first_key), bias.row_stride,
              bias.key_stride, panel.rows, keys, static_cast<float>(kLog2e), scores(), kPanelRows);
    if (keys % 2 != 0) std::fill_n(scores() + keys * kPanelRows, kPanelRows, 0.0f);
  }

  void finish(const Panel& panel, int64_t i) const {
    const int64_t row_index =
        (batch_ * shape_.heads_q + panel.head) * shape_.rows + panel.first_row;
    if (job_.blocks.num_splits > 1) return finish_split(panel, i, row_index);

    float* inverse = mine_ + layout_.shrink;
    for (int64_t lane = 0; lane < kPanelRows; ++lane) {
      const float sum = row_sum(i)[lane];
      inverse[lane] = sum == 0 ? 0.0f : 1.0f / sum;
    }
    unpack_panel(o(i), inverse, panel.rows, shape_.dim_v,
                 output_row_of<T>(job_.o, batch_, panel.head, panel.first_row), job_.o.row_stride);
    for (int64_t lane = 0; lane < panel.rows; ++lane) {
      write_lse(job_, batch_, panel.head, panel.first_row + lane, row_max(i)[lane],
                row_sum(i)[lane]);
    }
  }

  void finish_split(const Panel& panel, int64_t i, int64_t row_index) const {
    float* shared = reinterpret_cast<float*>(job_.workspace);
    const int64_t splits = job_.blocks.num_splits;
    const int64_t first = row_index * splits + split_;
    float* ones = mine_ + layout_.shrink;
    std::fill_n(ones, kPanelRows, 1.0f);
    unpack_panel(o(i), ones, panel.rows, shape_.dim_v,
                 shared + layout_.partial_o + first * shape_.dim_v, splits * shape_.dim_v);
    for (int64_t lane = 0; lane < panel.rows; ++lane) {
      shared[layout_.partial_max + first + lane * splits] = row_max(i)[lane];
      shared[layout_.partial_sum + first + lane * splits] = row_sum(i)[lane];
    }
  }

  const Forward& job_;
  const Shape& shape_;
  const ForwardLayout& layout_;
  float* const mine_;
  const int64_t batch_, kv_head_, first_panel_, num_panels_, split_;
};

}  // namespace HWY_NAMESPACE
}  // namespace cpu_flash
HWY_AFTER_NAMESPACE();
#endif  // include guard
