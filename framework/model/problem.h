// Problem: what to compute. It says nothing about who computes it, where, or how fast.
//
// Field names are the glossary: the same words are TOML keys, JSON keys and CSV columns.
#pragma once

#include <cstdint>
#include <string>

#include "base/enum_text.h"
#include "base/json.h"
#include "model/dtype.h"

namespace attnbench {

// bwd is the backward pass alone (O and LSE are given); fwd_bwd is one interval around both.
enum class Mode { fwd, bwd, fwd_bwd };
// Diagonal of query row i: i (top left) or i + seqlen_kv - seqlen_q (bottom right).
enum class Causal { none, top_left, bottom_right };
// Order of axes in memory. bshd: (batch, seqlen, heads, head_dim), what the seed uses.
enum class Layout { bshd, bhsd };
// Shape of the additive bias (b, h, seqlen_q, seqlen_kv): 1 is an axis broadcast by stride 0.
enum class Bias { none, b1, bh, one_h, one_one };

inline constexpr EnumText<Mode> kModes[] = {
    {Mode::fwd, "fwd"}, {Mode::bwd, "bwd"}, {Mode::fwd_bwd, "fwd_bwd"}};
inline constexpr EnumText<Causal> kCausals[] = {
    {Causal::none, "none"}, {Causal::top_left, "top_left"}, {Causal::bottom_right, "bottom_right"}};
inline constexpr EnumText<Layout> kLayouts[] = {{Layout::bshd, "bshd"}, {Layout::bhsd, "bhsd"}};
inline constexpr EnumText<Bias> kBiases[] = {{Bias::none, "none"},
                                             {Bias::b1, "b1"},
                                             {Bias::bh, "bh"},
                                             {Bias::one_h, "1h"},
                                             {Bias::one_one, "11"}};

// What Q and K are made of; V and dO are always normal. equal: all of it is `stddev`, so all keys
// weigh the same. one_hot: about one element of a row is stddev * sqrt(head_dim), the rest is 0, so
// a query shares that element with few keys, or with none.
enum class Values { normal, equal, one_hot };

inline constexpr EnumText<Values> kValues[] = {
    {Values::normal, "normal"}, {Values::equal, "equal"}, {Values::one_hot, "one_hot"}};

// How random inputs are drawn. Q, K, V and dO: normal with deviation `stddev`. A bias entry is
// `bias_low` with probability `bias_low_fraction`, else normal with deviation `bias_stddev`; a
// `bias_low` that the dtype cannot hold becomes its -inf.
// The defaults are the seed's: stddev 2, a quarter of the bias at fp16's lowest, the rest 0.
struct Inputs {
  double stddev = 2.0;
  double bias_low = -65504.0;
  double bias_low_fraction = 0.25;
  double bias_stddev = 0.0;
  Values values = Values::normal;  // `attnbench validate` asks for the others
  bool operator==(const Inputs&) const = default;
};

struct Problem {
  Mode mode = Mode::fwd;
  Dtype dtype = Dtype::fp16;
  int64_t batch = 1;
  int64_t heads = 1;     // of Q
  int64_t kv_heads = 1;  // of K and V; divides heads
  int64_t seqlen_q = 1;
  int64_t seqlen_kv = 1;
  int64_t head_dim = 64;
  Layout layout = Layout::bshd;
  Causal causal = Causal::none;
  Bias bias = Bias::none;
  double scale = 0.0;  // 0 means 1 / sqrt(head_dim)
  Inputs inputs;
  bool operator==(const Problem&) const = default;

  double softmax_scale() const;  // scale, resolved
  int64_t bias_batch() const;    // extents of the stored bias: 0 without a bias, else 1 or batch
  int64_t bias_heads() const;
  bool has_backward() const { return mode != Mode::fwd; }
};

// Throws Error if a size is below 1, kv_heads does not divide heads, or scale or an input is not
// finite: what no provider could be asked.
void check_problem(const Problem& problem);

// One flat object, keys as the fields above (inputs nested). from_json throws Error on a wrong key.
Json to_json(const Problem& problem);
Problem problem_from_json(const Json& json);

// One line that names the problem for people: "fwd fp16 b1 h8 s1024 d64 bias=b1".
std::string to_text(const Problem& problem);

}  // namespace attnbench
