#include "validate/numerics.h"

#include <algorithm>

namespace attnbench {
namespace {

bool declares(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

using Problems = std::vector<Problem>;

template <typename Change>
Problem with(Problem problem, Change change) {
  change(problem);
  return problem;
}

Problem with_lengths(const Problem& base, int64_t seqlen_q, int64_t seqlen_kv) {
  return with(base, [=](Problem& p) {
    p.seqlen_q = seqlen_q;
    p.seqlen_kv = seqlen_kv;
  });
}

Problem with_heads(const Problem& base, int64_t heads, int64_t kv_heads) {
  return with(base, [=](Problem& p) {
    p.heads = heads;
    p.kv_heads = kv_heads;
  });
}

Problem with_mask(const Problem& base, Causal causal, int64_t seqlen_q, int64_t seqlen_kv) {
  return with(with_lengths(base, seqlen_q, seqlen_kv), [=](Problem& p) { p.causal = causal; });
}

Problem with_deviation(const Problem& base, double stddev) {
  return with(base, [=](Problem& p) { p.inputs.stddev = stddev; });
}

Problems forward(const Problem& base) {
  return {base};
}
Problems large_logits(const Problem& base) {
  return {with_deviation(base, 8.0)};
}
Problems tiny_values(const Problem& base) {
  return {with_deviation(base, 0.25)};
}
Problems equal_values(const Problem& base) {
  return {with(base, [](Problem& p) { p.inputs.values = Values::equal; })};
}
Problems one_hot(const Problem& base) {
  return {with(base, [](Problem& p) { p.inputs.values = Values::one_hot; })};
}
Problems odd_lengths(const Problem& base) {
  Problems problems;
  for (const int64_t seqlen : {1, 15, 17, 63, 65, 127, 129}) {
    problems.push_back(with_lengths(base, seqlen, seqlen));
  }
  return problems;
}
Problems unequal_lengths(const Problem& base) {
  return {with_lengths(base, 1, 200), with_lengths(base, 200, 1), with_lengths(base, 65, 192),
          with_lengths(base, 192, 65)};
}
Problems head_dims(const Problem& base) {
  Problems problems;
  for (const int64_t head_dim : {8, 32, 40, 96, 128, 248, 256}) {
    problems.push_back(with(base, [=](Problem& p) { p.head_dim = head_dim; }));
  }
  return problems;
}
Problems scale(const Problem& base) {
  return {with(base, [](Problem& p) { p.scale = 0.31; })};
}
Problems layout(const Problem& base) {
  return {with(with_lengths(base, 65, 130), [](Problem& p) { p.layout = Layout::bhsd; })};
}
Problems gqa(const Problem& base) {
  return {with_heads(base, 6, 2), with_heads(base, 4, 1)};
}
Problems top_left(const Problem& base) {
  return {with_mask(base, Causal::top_left, 128, 128), with_mask(base, Causal::top_left, 33, 97),
          with_mask(base, Causal::top_left, 97, 33)};
}
Problems bottom_right(const Problem& base) {
  return {with_mask(base, Causal::bottom_right, 128, 128),
          with_mask(base, Causal::bottom_right, 33, 97)};
}
Problems masked_rows(const Problem& base) {
  return {with_mask(base, Causal::bottom_right, 97, 33)};
}
Problems biases(const Problem& base) {
  Problems problems;
  for (const Bias shape : {Bias::b1, Bias::bh, Bias::one_h, Bias::one_one}) {
    problems.push_back(with(with_lengths(base, 65, 100), [=](Problem& p) { p.bias = shape; }));
  }
  problems.push_back(with(problems.front(), [](Problem& p) {
    p.inputs.bias_low_fraction = 0.0;
    p.inputs.bias_stddev = 2.0;
  }));
  return problems;
}

// Many rows see some keys, many a single one; with few keys, some see none.
Problems masked_by_bias(const Problem& base) {
  constexpr double kMinusInfinityInAnyDtype = -1e300;
  Problems problems;
  for (const int64_t seqlen_kv : {100, 4}) {
    problems.push_back(with(with_lengths(base, 65, seqlen_kv), [=](Problem& p) {
      p.bias = Bias::bh;
      p.inputs.bias_low = kMinusInfinityInAnyDtype;
      p.inputs.bias_low_fraction = seqlen_kv > 4 ? 0.97 : 0.6;
    }));
  }
  return problems;
}

struct Variation {
  std::string_view check_id;
  std::string_view feature;  // that all of its problems need
  Problems (*make)(const Problem& base);
};

constexpr Variation kVariations[] = {
    {"num-forward", "", forward},
    {"num-large-logits", "", large_logits},
    {"num-tiny-values", "", tiny_values},
    {"num-equal-values", "", equal_values},
    {"num-one-hot", "", one_hot},
    {"num-odd-lengths", "", odd_lengths},
    {"num-unequal-lengths", "", unequal_lengths},
    {"num-head-dims", "", head_dims},
    {"num-scale", "", scale},
    {"num-layout", "", layout},
    {"num-gqa", "gqa", gqa},
    {"num-causal-top-left", "causal", top_left},
    {"num-causal-bottom-right", "causal", bottom_right},
    {"num-masked-rows", "causal", masked_rows},
    {"num-bias", "bias", biases},
    {"num-bias-masked", "bias", masked_by_bias},
};

// The backward pass meets every variation, in its smallest form.
Problems backward(const Problem& base, const ProviderInfo& provider) {
  Problems problems;
  for (const Variation& variation : kVariations) {
    if (!variation.feature.empty() && !declares(provider.features, variation.feature)) continue;
    Problem problem = variation.make(base).back();
    problem.mode = Mode::bwd;
    problems.push_back(problem);
  }
  return problems;
}

// Small enough to nudge every input (finite_differences.h): plain, then all that is declared at
// once.
Problems tiny_backward(const Problem& base, const ProviderInfo& provider) {
  Problem plain = with_lengths(base, 6, 9);
  plain.mode = Mode::bwd;
  plain.batch = 1;
  plain.inputs.stddev = 1.0;
  Problem whole = plain;
  if (declares(provider.features, "gqa")) whole.kv_heads = 1;
  if (declares(provider.features, "causal")) whole.causal = Causal::bottom_right;
  if (declares(provider.features, "bias")) {
    whole.bias = Bias::one_h;
    whole.inputs.bias_low_fraction = 0.0;
    whole.inputs.bias_stddev = 1.0;
  }
  return whole == plain ? Problems{plain} : Problems{plain, whole};
}

Problem base_problem(Dtype dtype) {
  Problem base;
  base.dtype = dtype;
  base.batch = 2;
  base.heads = base.kv_heads = 2;
  base.seqlen_q = base.seqlen_kv = 128;
  base.head_dim = 64;
  return base;
}

}  // namespace

std::vector<Problem> problems_of(std::string_view check_id, const ProviderInfo& provider) {
  Problems problems;
  for (const auto& [dtype, name] : kDtypes) {
    if (!declares(provider.dtypes, name)) continue;
    Problems more;
    if (check_id == "num-backward" && declares(provider.features, "bwd")) {
      more = backward(base_problem(dtype), provider);
    }
    if (check_id == "num-finite-differences" && declares(provider.features, "bwd")) {
      more = tiny_backward(base_problem(dtype), provider);
    }
    for (const Variation& variation : kVariations) {
      if (variation.check_id != check_id) continue;
      if (!variation.feature.empty() && !declares(provider.features, variation.feature)) continue;
      more = variation.make(base_problem(dtype));
    }
    problems.insert(problems.end(), more.begin(), more.end());
  }
  return problems;
}

std::optional<End> verify_problem(RunContext& context, const ProviderInfo& provider,
                                  const std::string& device, const Problem& problem) {
  const Trial trial{provider.id, {}, problem, device};
  References references(problem, context.settings);
  TrialLife life(context, references, trial, provider);
  std::optional<End> end = life.get_ready();
  if (!end) end = life.check_manners();
  life.release();
  return end;
}

}  // namespace attnbench
