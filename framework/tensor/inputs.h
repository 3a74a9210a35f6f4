// Random inputs that nobody has to store or send: element e of a tensor is a function of
// (seed, role, variant, e), so worker, reference and GPU each make the same bits for themselves.
//
// The law, for whoever writes it again in another language:
//   e        the element's index in the *logical* order of the stored tensor, (b, s, h, d) or, for
//            the bias as stored, (b, h, i, j): the same values whatever the memory layout
//   block    Philox4x32-10 with key = seed (low word first), counter = (low word of n, high word of
//            n, role, variant); role = 1 q, 2 k, 3 v, 4 bias, 5 do
//   normal   n = e / 8; of the block's eight 16-bit pieces (word 0 low half, word 0 high half,
//            word 1 low half, ...) take number e % 8 and look it up in `values`
//   bias     n = e / 4; of word e % 4, the element is `low` if the high half is below
//            `low_threshold` (= round(65536 * bias_low_fraction)), else values[low half]
//   values   values[i] = dtype(fp32(stddev) * normal_table()[i]): one fp32 multiply, rounded to
//            nearest even, no negative zero
//   q and k  where Inputs::values is not normal, another table: equal, values[i] = dtype(stddev);
//            one_hot, values[i] = dtype(fp32(stddev * sqrt(head_dim))) for i < 65536 / head_dim,
//            else 0
// So drawing is integers and a table: no libm, no contraction, nothing left to a machine's taste.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "model/problem.h"
#include "tensor/layout.h"

namespace attnbench {

// The table part of the law, by role. `bits` is `values` as stored, for 16-bit dtypes.
struct DrawLaw {
  std::vector<float> values;
  std::vector<uint16_t> bits;
  uint32_t low_threshold = 0;  // 0 for all roles but the bias
  float low_value = 0.0f;
  uint16_t low_bits = 0;
};

class InputSource {
 public:
  InputSource(const Problem& problem, uint64_t seed, uint32_t variant);

  const Problem& problem() const { return problem_; }
  uint64_t seed() const { return seed_; }
  uint32_t variant() const { return variant_; }
  const DrawLaw& law_of(Role role) const;  // throws Error if the role is not drawn
  static uint32_t number_of(Role role);    // the role's word in the counter

  // Elements from `first` on in logical order, as stored. `out` is aligned to the dtype.
  void fill(Role role, int64_t first, std::span<std::byte> out) const;
  // The same values, widened.
  void fill(Role role, int64_t first, std::span<float> out) const;
  // Row (batch, head, index) of a tensor; of a bias, columns from `first_column` on.
  void fill_row(Role role, int64_t batch, int64_t head, int64_t index, std::span<float> out,
                int64_t first_column = 0) const;
  // The whole tensor as it lies in memory.
  void fill_tensor(const TensorLayout& layout, std::span<std::byte> memory) const;

 private:
  template <typename Out>
  void draw(Role role, int64_t first, std::span<Out> out) const;

  Problem problem_;
  uint64_t seed_;
  uint32_t variant_;
  DrawLaw normal_, bias_;
  std::optional<DrawLaw> of_q_and_k_;  // where it is not the normal one
};

}  // namespace attnbench
