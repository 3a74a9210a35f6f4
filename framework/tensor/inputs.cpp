#include "tensor/inputs.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "tensor/convert.h"
#include "tensor/normal_table.h"
#include "tensor/philox.h"

namespace attnbench {
namespace {

// Counters drawn together: enough for two SIMD registers, few enough for rows of 64 elements.
constexpr int kBatch = 8;

// Takes values[i], not rounded yet.
template <typename ValueOf>
DrawLaw make_law(Dtype dtype, ValueOf value_of) {
  DrawLaw law;
  law.values.reserve(kNormalTableSize);
  for (size_t i = 0; i < kNormalTableSize; ++i) {
    const float value = round_to(dtype, value_of(i));
    law.values.push_back(value == 0.0f ? 0.0f : value);
  }
  if (dtype == Dtype::fp32) return law;
  law.bits.reserve(kNormalTableSize);
  for (const float value : law.values) {
    law.bits.push_back(dtype == Dtype::fp16 ? fp16_from_float(value) : bf16_from_float(value));
  }
  return law;
}

DrawLaw make_normal_law(Dtype dtype, double stddev) {
  const float factor = static_cast<float>(stddev);
  const std::span<const float, kNormalTableSize> quantiles = normal_table();
  return make_law(dtype, [=](size_t i) { return quantiles[i] * factor; });
}

DrawLaw make_equal_law(Dtype dtype, double value) {
  return make_law(dtype, [=](size_t) { return static_cast<float>(value); });
}

DrawLaw make_one_hot_law(const Problem& problem) {
  const double head_dim = static_cast<double>(problem.head_dim);
  const float hot = static_cast<float>(problem.inputs.stddev * std::sqrt(head_dim));
  const size_t hot_entries = kNormalTableSize / static_cast<size_t>(problem.head_dim);
  return make_law(problem.dtype, [=](size_t i) { return i < hot_entries ? hot : 0.0f; });
}

DrawLaw make_bias_law(Dtype dtype, const Inputs& inputs) {
  DrawLaw law = make_normal_law(dtype, inputs.bias_stddev);
  const double fraction = std::clamp(inputs.bias_low_fraction, 0.0, 1.0);
  law.low_threshold = static_cast<uint32_t>(std::lround(fraction * kNormalTableSize));
  const float low = static_cast<float>(inputs.bias_low);
  law.low_value = round_to(dtype, low);
  law.low_bits = dtype == Dtype::fp16 ? fp16_from_float(low) : bf16_from_float(low);
  return law;
}

template <typename Out>
const Out* table_of(const DrawLaw& law) {
  if constexpr (std::is_same_v<Out, float>) return law.values.data();
  if constexpr (std::is_same_v<Out, uint16_t>) return law.bits.data();
}

template <typename Out>
Out low_of(const DrawLaw& law) {
  if constexpr (std::is_same_v<Out, float>) return law.low_value;
  if constexpr (std::is_same_v<Out, uint16_t>) return law.low_bits;
}

template <typename Out>
void write_normal(const PhiloxBlock<kBatch>& block, const Out* values, Out* out) {
  for (int lane = 0; lane < kBatch; ++lane) {
    for (int word = 0; word < 4; ++word) {
      const uint32_t random = block.words[word][lane];
      *out++ = values[random & 0xffff];
      *out++ = values[random >> 16];
    }
  }
}

template <typename Out>
void write_bias(const PhiloxBlock<kBatch>& block, const DrawLaw& law, Out* out) {
  const Out* values = table_of<Out>(law);
  const Out low = low_of<Out>(law);
  for (int lane = 0; lane < kBatch; ++lane) {
    for (int word = 0; word < 4; ++word) {
      const uint32_t random = block.words[word][lane];
      const Out high = values[random & 0xffff];
      *out++ = (random >> 16) < law.low_threshold ? low : high;
    }
  }
}

}  // namespace

InputSource::InputSource(const Problem& problem, uint64_t seed, uint32_t variant)
    : problem_(problem),
      seed_(seed),
      variant_(variant),
      normal_(make_normal_law(problem.dtype, problem.inputs.stddev)) {
  const Inputs& inputs = problem.inputs;
  if (problem.bias != Bias::none) bias_ = make_bias_law(problem.dtype, inputs);
  if (inputs.values == Values::equal) of_q_and_k_ = make_equal_law(problem.dtype, inputs.stddev);
  if (inputs.values == Values::one_hot) of_q_and_k_ = make_one_hot_law(problem);
}

uint32_t InputSource::number_of(Role role) {
  switch (role) {
    case Role::q:
      return 1;
    case Role::k:
      return 2;
    case Role::v:
      return 3;
    case Role::bias:
      return 4;
    case Role::do_:
      return 5;
    default:
      throw Error("tensor " + std::string(enum_to_text(kRoles, role)) + " is not drawn at random",
                  "only q, k, v, do and bias are; the others are computed");
  }
}

const DrawLaw& InputSource::law_of(Role role) const {
  number_of(role);
  if (role == Role::bias) return bias_;
  return of_q_and_k_ && (role == Role::q || role == Role::k) ? *of_q_and_k_ : normal_;
}

template <typename Out>
void InputSource::draw(Role role, int64_t first, std::span<Out> out) const {
  const uint32_t role_number = number_of(role);
  const DrawLaw& law = law_of(role);
  const bool is_bias = role == Role::bias;
  const int64_t per_counter = is_bias ? 4 : 8;
  const int64_t per_batch = kBatch * per_counter;
  const std::array<uint32_t, 2> key = {static_cast<uint32_t>(seed_),
                                       static_cast<uint32_t>(seed_ >> 32)};
  const int64_t end = first + static_cast<int64_t>(out.size());
  Out scratch[kBatch * 8];
  for (int64_t begin = first - first % per_counter; begin < end; begin += per_batch) {
    PhiloxBlock<kBatch> block;
    const uint64_t counter = static_cast<uint64_t>(begin / per_counter);
    for (int lane = 0; lane < kBatch; ++lane) {
      const uint64_t n = counter + static_cast<uint64_t>(lane);
      block.words[0][lane] = static_cast<uint32_t>(n);
      block.words[1][lane] = static_cast<uint32_t>(n >> 32);
      block.words[2][lane] = role_number;
      block.words[3][lane] = variant_;
    }
    philox4x32(block, key);
    const bool is_whole = begin >= first && begin + per_batch <= end;
    Out* target = is_whole ? out.data() + (begin - first) : scratch;
    if (is_bias) {
      write_bias(block, law, target);
    } else {
      write_normal(block, table_of<Out>(law), target);
    }
    if (is_whole) continue;
    const int64_t from = std::max(begin, first);
    const int64_t to = std::min(begin + per_batch, end);
    std::copy(scratch + (from - begin), scratch + (to - begin), out.data() + (from - first));
  }
}

void InputSource::fill(Role role, int64_t first, std::span<float> out) const {
  draw(role, first, out);
}

void InputSource::fill(Role role, int64_t first, std::span<std::byte> out) const {
  const size_t count = out.size() / static_cast<size_t>(bytes_of(problem_.dtype));
  assert(reinterpret_cast<uintptr_t>(out.data()) % bytes_of(problem_.dtype) == 0);
  if (problem_.dtype == Dtype::fp32) {
    draw(role, first, std::span<float>(reinterpret_cast<float*>(out.data()), count));
  } else {
    draw(role, first, std::span<uint16_t>(reinterpret_cast<uint16_t*>(out.data()), count));
  }
}

void InputSource::fill_row(Role role, int64_t batch, int64_t head, int64_t index,
                           std::span<float> out, int64_t first_column) const {
  int64_t row = 0;
  int64_t row_length = problem_.head_dim;
  if (role == Role::bias) {
    const int64_t stored_batch = problem_.bias_batch() == 1 ? 0 : batch;
    const int64_t stored_head = problem_.bias_heads() == 1 ? 0 : head;
    row = (stored_batch * problem_.bias_heads() + stored_head) * problem_.seqlen_q + index;
    row_length = problem_.seqlen_kv;
  } else {
    const bool of_queries = role == Role::q || role == Role::do_;
    const int64_t seqlen = of_queries ? problem_.seqlen_q : problem_.seqlen_kv;
    const int64_t heads = of_queries ? problem_.heads : problem_.kv_heads;
    row = (batch * seqlen + index) * heads + head;
  }
  draw(role, row * row_length + first_column, out);
}

void InputSource::fill_tensor(const TensorLayout& layout, std::span<std::byte> memory) const {
  assert(memory.size() == static_cast<size_t>(layout.bytes));
  const bool is_in_logical_order =
      layout.role == Role::bias || problem_.layout == Layout::bshd || layout.shape[2] == 1;
  if (is_in_logical_order) return fill(layout.role, 0, memory);
  const int64_t row_bytes = layout.row_length() * bytes_of(layout.dtype);
  int64_t first = 0;
  for (int64_t b = 0; b < layout.shape[0]; ++b) {
    for (int64_t s = 0; s < layout.shape[1]; ++s) {
      for (int64_t h = 0; h < layout.shape[2]; ++h, first += layout.row_length()) {
        const int64_t offset = layout.offset_of(b, h, s) * bytes_of(layout.dtype);
        fill(layout.role, first,
             memory.subspan(static_cast<size_t>(offset), static_cast<size_t>(row_bytes)));
      }
    }
  }
}

}  // namespace attnbench
