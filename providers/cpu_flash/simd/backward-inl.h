// Backward: one block of keys stays in L2 with its dK and dV while the queries that see it stream
// past, so each pair of blocks costs five products and nothing is computed twice:
//   S^T = K Q^T    P = exp(S - LSE)    dV += P^T dO
//   dP^T = V dO^T  dS = P (dP - delta) dK += dS^T Q   dQ += dS K
// with delta = dO . O for each row. dK and dV belong to one thread; dQ is shared by all key blocks
// of a head. They take turns at each tile of it, in the order of the keys: adding in a fixed order
// keeps results equal from run to run, and whoever waits is just one tile behind the one before.
#if defined(CPU_FLASH_BACKWARD_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef CPU_FLASH_BACKWARD_INL_H
#undef CPU_FLASH_BACKWARD_INL_H
#else
#define CPU_FLASH_BACKWARD_INL_H
#endif

#include "layout.h"
#include "simd/forward-inl.h"
#include "turns.h"

HWY_BEFORE_NAMESPACE();
namespace cpu_flash {
namespace HWY_NAMESPACE {

// The last row of tiles may reach this many keys behind those that a panel sees.
constexpr int64_t kOverhang = kTileRows;

// scores[key][lane] becomes P, and gradients[key][lane], which comes as dP, becomes dS. Lane i
// sees the keys up to first_limit + i.
template <int kVectors>
HWY_NOINLINE void weigh(int64_t keys, int64_t first_limit, const float* lse, const float* delta,
                        float* scores, float* gradients, int64_t stride) {
  Vec row_lse[kVectors], row_delta[kVectors];
#pragma GCC unroll 4
  for (int j = 0; j < kVectors; ++j) {
    row_lse[j] = load(lse + j * kLanes);
    row_delta[j] = load(delta + j * kLanes);
  }
  const int64_t seen_by_all = std::clamp<int64_t>(first_limit + 1, 0, keys);
  for (int64_t key = 0; key < seen_by_all; ++key) {
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) {
      float* score = scores + key * stride + j * kLanes;
      float* gradient = gradients + key * stride + j * kLanes;
      const Vec p = exp2(hn::Sub(load(score), row_lse[j]));
      store(p, score);
      store(hn::Mul(p, hn::Sub(load(gradient), row_delta[j])), gradient);
    }
  }
  for (int64_t key = seen_by_all; key < keys; ++key) {
    const Vec first_lane = splat(static_cast<float>(key - first_limit));
    for (int j = 0; j < kVectors; ++j) {
      float* score = scores + key * stride + j * kLanes;
      float* gradient = gradients + key * stride + j * kLanes;
      const hn::Mask<Floats> sees =
          hn::Ge(hn::Iota(Floats(), static_cast<float>(j * kLanes)), first_lane);
      const Vec p = hn::IfThenElseZero(sees, exp2(hn::Sub(load(score), row_lse[j])));
      const Vec ds = hn::Mul(p, hn::Sub(load(gradient), row_delta[j]));
      store(p, score);
      store(hn::IfThenElseZero(sees, ds), gradient);
    }
  }
}

// A key tile starts where its first key becomes visible; a row tile ends where its last row's sight
// ends. Both are positions inside the two blocks.
struct FromFirstRow {
  int64_t shift, rows;  // key k is seen by rows from k - shift on
  HWY_INLINE Range operator()(int64_t key, int64_t /*keys*/) const {
    return {std::clamp<int64_t>(key - shift, 0, rows), rows};
  }
};
struct UpToLastKey {
  int64_t shift, keys;  // row r sees keys up to r + shift
  HWY_INLINE Range operator()(int64_t row, int64_t rows) const {
    return {0, std::clamp<int64_t>(row + rows + shift, 0, keys)};
  }
};

// LSE in log2 and delta for some rows of one head, for all threads to read.
template <class T>
void prepare_rows(const Backward& job, const BackwardLayout& layout, int64_t batch, int64_t head,
                  int64_t first_row, int64_t rows) {
  const Shape& shape = job.shape;
  float* shared = reinterpret_cast<float*>(job.workspace);
  const float* lse_in = reinterpret_cast<const float*>(job.lse.data) +
                        batch * job.lse.batch_stride + head * job.lse.head_stride;
  const int64_t at = (batch * shape.heads_q + head) * shape.rows;
  const Eight eight;
  for (int64_t row = first_row; row < first_row + rows; ++row) {
    const T* o = row_of<T>(job.o, batch, head, row);
    const T* d_o = row_of<T>(job.d_o, batch, head, row);
    hn::Vec<Eight> sum = hn::Zero(eight);
    for (int64_t d = 0; d < shape.dim_v; d += hn::MaxLanes(eight)) {
      sum = hn::MulAdd(load_as_float(eight, o + d), load_as_float(eight, d_o + d), sum);
    }
    shared[layout.delta + at + row] = hn::GetLane(hn::SumOfLanes(eight, sum));
    const float lse = lse_in[row * job.lse.row_stride];
    // A row that saw nothing: +inf makes all its weights 0.
    shared[layout.lse + at + row] =
        lse == -kInfinity ? kInfinity : static_cast<float>(lse * kLog2e);
  }
}

// One block of keys of one K and V head.
template <class T>
class BackwardItem {
 public:
  BackwardItem(const Backward& job, const BackwardLayout& layout, float* mine, Turns& turns,
               int64_t batch, int64_t kv_head, int64_t key_block)
      : job_(job),
        shape_(job.shape),
        blocks_(job.blocks),
        layout_(layout),
        mine_(mine),
        shared_(reinterpret_cast<float*>(job.workspace)),
        turns_(turns),
        batch_(batch),
        kv_head_(kv_head),
        key_block_(key_block),
        first_key_(key_block * job.blocks.block_k),
        keys_(std::min(job.blocks.block_k, job.shape.keys - first_key_)),
        even_keys_(round_up(keys_, 2)),
        k_stride_(row_floats(job.shape.dim_qk)),
        v_stride_(row_floats(job.shape.dim_v)),
        p_stride_(job.blocks.block_q + 16) {}

  void run() {
    copy_rows(row_of<T>(job_.k, batch_, kv_head_, first_key_), job_.k.row_stride, keys_,
              shape_.dim_qk, at(layout_.k), k_stride_);
    copy_rows(row_of<T>(job_.v, batch_, kv_head_, first_key_), job_.v.row_stride, keys_,
              shape_.dim_v, at(layout_.v), v_stride_);
    if (keys_ != even_keys_) {
      zero_rows(1, shape_.dim_qk, at(layout_.k) + keys_ * k_stride_, k_stride_);
      zero_rows(1, shape_.dim_v, at(layout_.v) + keys_ * v_stride_, v_stride_);
    }
    zero_rows(even_keys_, shape_.dim_qk, at(layout_.dk), k_stride_);
    zero_rows(even_keys_, shape_.dim_v, at(layout_.dv), v_stride_);

    const int64_t row_blocks = divide_up(shape_.rows, blocks_.block_q);
    for (int64_t g = 0; g < shape_.group(); ++g) {
      const int64_t head = kv_head_ * shape_.group() + g;
      // Late rows see most keys: every block of keys begins there, one tile behind the one before.
      for (int64_t row_block = row_blocks - 1; row_block >= 0; --row_block) {
        const int64_t first_row = row_block * blocks_.block_q;
        const int64_t rows = std::min(blocks_.block_q, shape_.rows - first_row);
        if (num_turns(first_row + rows - 1) > key_block_) {
          add_rows(head, row_block, first_row, rows);
        } else if (key_block_ == 0) {
          zero_dq(head, first_row, rows);
        }
      }
    }
    write_rows(at(layout_.dk), k_stride_, static_cast<float>(shape_.scale), keys_, shape_.dim_qk,
               output_row_of<T>(job_.dk, batch_, kv_head_, first_key_), job_.dk.row_stride);
    write_rows(at(layout_.dv), v_stride_, 1.0f, keys_, shape_.dim_v,
               output_row_of<T>(job_.dv, batch_, kv_head_, first_key_), job_.dv.row_stride);
  }

 private:
  float* at(int64_t offset) const { return mine_ + offset; }
  // How many blocks of keys add to dQ of `row` and of those before it in its tile.
  int64_t num_turns(int64_t row) const {
    return divide_up(shape_.visible_keys(row), blocks_.block_k);
  }

  void add_rows(int64_t head, int64_t row_block, int64_t first_row, int64_t rows) {
    load_rows(head, first_row, rows);
    // The rows before these come next; at the first ones, whatever lies there does no harm.
    const int64_t next_row = std::max<int64_t>(0, first_row - blocks_.block_q);
    ReadAhead reader;
    reader.add(rows_ahead(job_.q, shape_.dim_qk, head, next_row));
    reader.add(rows_ahead(job_.d_o, shape_.dim_v, head, next_row));
    const Ahead ahead{&reader, nullptr};
    for (int64_t row = 0; row < rows; row += kPanelRows) {
      const int64_t vectors = divide_up(std::min<int64_t>(rows - row, kPanelRows), kLanes);
      if (vectors == 1) weigh_panel<1>(head, first_row, row, rows, ahead);
      if (vectors == 2) weigh_panel<2>(head, first_row, row, rows, ahead);
      if constexpr (kTileVectors > 2) {
        if (vectors == 3) weigh_panel<3>(head, first_row, row, rows, ahead);
        if (vectors == 4) weigh_panel<4>(head, first_row, row, rows, ahead);
      }
    }
    const ConstMatrix p{at(layout_.p), p_stride_}, ds{at(layout_.ds), p_stride_};
    const int64_t shift = shape_.is_causal ? first_row + shape_.diagonal - first_key_ : shape_.keys;
    const FromFirstRow depth{shift, rows};
    multiply<Order::rows>(p, {at(layout_.d_o), v_stride_}, even_keys_, shape_.dim_v, depth,
                          Accumulate({at(layout_.dv), v_stride_}), ahead);
    multiply<Order::rows>(ds, {at(layout_.q), k_stride_}, even_keys_, shape_.dim_qk, depth,
                          Accumulate({at(layout_.dk), k_stride_}), ahead);
    add_to_dq(head, row_block, first_row, rows, ds, shift);
  }

  Rows rows_ahead(const Tensor& tensor, int64_t dim, int64_t head, int64_t first_row) const {
    constexpr int64_t kBytes = static_cast<int64_t>(sizeof(T));
    return {row_of<T>(tensor, batch_, head, first_row), tensor.row_stride * kBytes, dim * kBytes,
            std::min(blocks_.block_q, shape_.rows - first_row)};
  }

  void load_rows(int64_t head, int64_t first_row, int64_t rows) const {
    const T* q = row_of<T>(job_.q, batch_, head, first_row);
    const T* d_o = row_of<T>(job_.d_o, batch_, head, first_row);
    copy_rows(q, job_.q.row_stride, rows, shape_.dim_qk, at(layout_.q), k_stride_);
    copy_rows(d_o, job_.d_o.row_stride, rows, shape_.dim_v, at(layout_.d_o), v_stride_);
    const float factor = static_cast<float>(shape_.scale * kLog2e);
    for (int64_t row = 0; row < rows; row += kPanelRows) {
      const int64_t used = std::min<int64_t>(rows - row, kPanelRows);
      pack_panel(at(layout_.q) + row * k_stride_, k_stride_, used, shape_.dim_qk, factor,
                 at(layout_.q_panels) + row * shape_.dim_qk);
      pack_panel(at(layout_.d_o) + row * v_stride_, v_stride_, used, shape_.dim_v, 1.0f,
                 at(layout_.d_o_panels) + row * shape_.dim_v);
    }
  }

  // P and dS for the panel that begins `row` rows behind first_row.
  template <int kVectors>
  void weigh_panel(int64_t head, int64_t first_row, int64_t row, int64_t rows, Ahead ahead) const {
    const int64_t last_row = first_row + std::min(row + kPanelRows, rows) - 1;
    const int64_t seen = shape_.visible_keys(last_row) - first_key_;
    const int64_t keys = std::clamp<int64_t>(round_up(seen + kOverhang, 2), 0, even_keys_);
    float* scores = at(layout_.p) + row;
    float* gradients = at(layout_.ds) + row;
    const Matrix s{scores, p_stride_}, dp{gradients, p_stride_};
    const ConstMatrix q{at(layout_.q_panels) + row * shape_.dim_qk, kPanelRows};
    const ConstMatrix d_o{at(layout_.d_o_panels) + row * shape_.dim_v, kPanelRows};
    const ConstMatrix k{at(layout_.k), k_stride_}, v{at(layout_.v), v_stride_};
    const WholeDepth dim_qk{shape_.dim_qk}, dim_v{shape_.dim_v};
    if (job_.bias.data) {
      const int64_t used = std::min<int64_t>(rows - row, kPanelRows);
      pack_bias(bias_at<T>(job_.bias, batch_, head, first_row + row, first_key_),
                job_.bias.row_stride, job_.bias.key_stride, used, std::min(keys, keys_),
                static_cast<float>(kLog2e), scores, p_stride_);
      multiply_strip<kVectors, Order::rows>(k, q, keys, 0, dim_qk, Accumulate(s), ahead);
    } else {
      multiply_strip<kVectors, Order::rows>(k, q, keys, 0, dim_qk, Store(s), ahead);
    }
    multiply_strip<kVectors, Order::rows>(v, d_o, keys, 0, dim_v, Store(dp), ahead);
    const int64_t first_limit =
        shape_.is_causal ? first_row + row + shape_.diagonal - first_key_ : shape_.keys;
    const int64_t index = (batch_ * shape_.heads_q + head) * shape_.rows + first_row + row;
    weigh<kVectors>(keys, first_limit, shared_ + layout_.lse + index,
                    shared_ + layout_.delta + index, scores, gradients, p_stride_);
  }

  // dQ in fp32: the tensor itself, or a place in the workspace until all keys have added to it.
  Matrix dq_rows(int64_t head, int64_t first_row) const {
    if (blocks_.num_dq_slots == 0) {
      return {output_row_of<float>(job_.dq, batch_, head, first_row), job_.dq.row_stride};
    }
    const int64_t kv_index = batch_ * shape_.heads_kv + kv_head_;
    const int64_t slot = kv_index % blocks_.num_dq_slots;
    const int64_t index = slot * shape_.group() + head % shape_.group();
    return {shared_ + layout_.dq + index * layout_.dq_floats + first_row * layout_.dq_stride,
            layout_.dq_stride};
  }

  void add_to_dq(int64_t head, int64_t row_block, int64_t first_row, int64_t rows, ConstMatrix ds,
                 int64_t shift) {
    const ConstMatrix k{at(layout_.k), k_stride_};
    const Matrix dq = dq_rows(head, first_row);
    const int64_t even_rows = round_up(rows, 2);
    const UpToLastKey depth{shift, keys_};
    const float scale = static_cast<float>(shape_.scale);
    turns_.wait(batch_ * shape_.heads_q + head, row_block, key_block_);
    if (key_block_ == 0) {
      multiply<Order::turned>(ds, k, even_rows, shape_.dim_qk, depth, StoreScaled(dq, scale),
                              NothingAhead());
    } else {
      multiply<Order::turned>(ds, k, even_rows, shape_.dim_qk, depth, AccumulateScaled(dq, scale),
                              NothingAhead());
    }
    if (blocks_.num_dq_slots > 0 && key_block_ + 1 == num_turns(first_row + rows - 1)) {
      write_rows(dq.data, dq.stride, 1.0f, rows, shape_.dim_qk,
                 output_row_of<T>(job_.dq, batch_, head, first_row), job_.dq.row_stride);
    }
    turns_.pass_on(batch_ * shape_.heads_q + head, row_block, key_block_);
  }

  void zero_dq(int64_t head, int64_t first_row, int64_t rows) const {
    for (int64_t row = first_row; row < first_row + rows; ++row) {
      std::fill_n(reinterpret_cast<char*>(output_row_of<T>(job_.dq, batch_, head, row)),
                  shape_.dim_qk * static_cast<int64_t>(sizeof(T)), char{0});
    }
  }

  const Backward& job_;
  const Shape& shape_;
  const Blocks& blocks_;
  const BackwardLayout& layout_;
  float* const mine_;
  float* const shared_;
  Turns& turns_;
  const int64_t batch_, kv_head_, key_block_, first_key_, keys_, even_keys_;
  const int64_t k_stride_, v_stride_, p_stride_;
};

}  // namespace HWY_NAMESPACE
}  // namespace cpu_flash
HWY_AFTER_NAMESPACE();
#endif  // include guard
