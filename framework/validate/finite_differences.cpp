#include "validate/finite_differences.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "tensor/inputs.h"

namespace attnbench {
namespace {

// Small enough for the loss to be straight over it, large beside fp64's rounding.
constexpr double kNudge = 0x1p-10;

class TinyForward {
 public:
  TinyForward(const Problem& problem, uint64_t seed)
      : p_(problem),
        q_(draw(Role::q, problem.heads, problem.seqlen_q, seed)),
        k_(draw(Role::k, problem.kv_heads, problem.seqlen_kv, seed)),
        v_(draw(Role::v, problem.kv_heads, problem.seqlen_kv, seed)),
        d_o_(draw(Role::do_, problem.heads, problem.seqlen_q, seed)) {
    if (problem.bias != Bias::none) {
      bias_ = draw(Role::bias, problem.heads, problem.seqlen_q, seed);
    }
  }

  Gradients slopes() { return {slopes_in(q_), slopes_in(k_), slopes_in(v_)}; }

 private:
  std::vector<double> draw(Role role, int64_t heads, int64_t rows, uint64_t seed) const {
    const InputSource source(p_, seed, 0);
    std::vector<double> values;
    std::vector<float> row(static_cast<size_t>(role == Role::bias ? p_.seqlen_kv : p_.head_dim));
    for (int64_t b = 0; b < p_.batch; ++b) {
      for (int64_t h = 0; h < heads; ++h) {
        for (int64_t i = 0; i < rows; ++i) {
          source.fill_row(role, b, h, i, row);
          values.insert(values.end(), row.begin(), row.end());
        }
      }
    }
    return values;
  }

  std::vector<double> slopes_in(std::vector<double>& input) const {
    std::vector<double> slopes;
    for (double& number : input) {
      const double before = number;
      number = before + kNudge;
      const double above = loss();
      number = before - kNudge;
      const double below = loss();
      number = before;
      slopes.push_back((above - below) / (2.0 * kNudge));
    }
    return slopes;
  }

  double loss() const {
    double sum = 0.0;
    for (int64_t b = 0; b < p_.batch; ++b) {
      for (int64_t h = 0; h < p_.heads; ++h) {
        for (int64_t i = 0; i < p_.seqlen_q; ++i) sum += loss_of_row(b, h, i);
      }
    }
    return sum;
  }

  // dO[i] . O[i], for which O itself is not needed: sum_j P[i,j] (dO[i] . V[j]).
  double loss_of_row(int64_t b, int64_t h, int64_t i) const {
    const int64_t row = (b * p_.heads + h) * p_.seqlen_q + i;
    const int64_t first_key = (b * p_.kv_heads + h / (p_.heads / p_.kv_heads)) * p_.seqlen_kv;
    const int64_t visible = visible_keys(i);
    double maximum = -std::numeric_limits<double>::infinity();
    for (int64_t j = 0; j < visible; ++j) {
      maximum = std::max(maximum, score(row, first_key + j, j));
    }
    if (std::isinf(maximum)) return 0.0;
    double weights = 0.0, weighted = 0.0;
    for (int64_t j = 0; j < visible; ++j) {
      const double weight = std::exp(score(row, first_key + j, j) - maximum);
      weights += weight;
      weighted += weight * dot(d_o_, row, v_, first_key + j);
    }
    return weighted / weights;
  }

  double score(int64_t row, int64_t key, int64_t column) const {
    const double bias =
        bias_.empty() ? 0.0 : bias_[static_cast<size_t>(row * p_.seqlen_kv + column)];
    return p_.softmax_scale() * dot(q_, row, k_, key) + bias;
  }
  double dot(const std::vector<double>& a, int64_t a_row, const std::vector<double>& b,
             int64_t b_row) const {
    double sum = 0.0;
    for (int64_t d = 0; d < p_.head_dim; ++d) {
      sum += a[static_cast<size_t>(a_row * p_.head_dim + d)] *
             b[static_cast<size_t>(b_row * p_.head_dim + d)];
    }
    return sum;
  }
  int64_t visible_keys(int64_t i) const {
    if (p_.causal == Causal::none) return p_.seqlen_kv;
    const int64_t diagonal = p_.causal == Causal::top_left ? i : i + p_.seqlen_kv - p_.seqlen_q;
    return std::clamp<int64_t>(diagonal + 1, 0, p_.seqlen_kv);
  }

  const Problem p_;
  std::vector<double> q_, k_, v_, d_o_, bias_;
};

std::vector<RowAddress> rows_of(const Problem& problem) {
  std::vector<RowAddress> rows;
  const auto add = [&](const char* role, int64_t heads, int64_t seqlen) {
    for (int64_t b = 0; b < problem.batch; ++b) {
      for (int64_t h = 0; h < heads; ++h) {
        for (int64_t i = 0; i < seqlen; ++i) rows.push_back({role, b, h, i});
      }
    }
  };
  add("dq", problem.heads, problem.seqlen_q);
  add("dk", problem.kv_heads, problem.seqlen_kv);
  add("dv", problem.kv_heads, problem.seqlen_kv);
  return rows;
}

// What rounding of the dtype may do to a number that is a sum of others of the tensor's size. A
// wrong formula is off by far more.
double tolerance(Dtype dtype) {
  if (dtype == Dtype::bf16) return 0.07;
  return dtype == Dtype::fp16 ? 0.01 : 0.001;
}

std::optional<End> compare(const Problem& problem, const char* role,
                           const std::vector<double>& expected, std::span<const float> got) {
  double squares = 0.0;
  for (const double slope : expected) squares += slope * slope;
  const double typical = std::sqrt(squares / static_cast<double>(expected.size()));
  for (size_t e = 0; e < expected.size(); ++e) {
    const double error = std::abs(got[e] - expected[e]);
    if (error <= tolerance(problem.dtype) * (typical + std::abs(expected[e]))) continue;
    const int64_t head_dim = problem.head_dim;
    return End{Outcome::wrong_result, "slope",
               fmt::format("{} at row {}, column {} is {:.6g}, the slope is {:.6g}", role,
                           static_cast<int64_t>(e) / head_dim, static_cast<int64_t>(e) % head_dim,
                           got[e], expected[e])};
  }
  return std::nullopt;
}

template <typename Reply>
std::optional<End> end_in(const Answer<Reply>& answer) {
  if (const Failure* failure = std::get_if<Failure>(&answer)) {
    return End{failure->outcome, failure->detail, failure->message, failure->is_poisoned};
  }
  if (const Death* death = std::get_if<Death>(&answer)) {
    return End{death->outcome, death->detail, death->message, true};
  }
  return std::nullopt;
}

}  // namespace

Gradients slopes_of(const Problem& problem, uint64_t seed) {
  return TinyForward(problem, seed).slopes();
}

std::optional<End> compare_with_slopes(RunContext& context, const ProviderInfo& provider,
                                       const std::string& device, const Problem& problem) {
  const Answer<ReadyWorker> ready = context.pool.ready(provider, device, problem);
  if (std::optional<End> end = end_in(ready)) return end;
  WorkerClient& worker = *std::get<ReadyWorker>(ready).client;
  const std::string id = "slopes";
  if (std::optional<End> end = end_in(worker.call(PrepareRequest{id, {}}))) return end;
  if (std::optional<End> end = end_in(worker.call(RunOnceRequest{id, 0}))) return end;
  const Gradients slopes = slopes_of(problem, context.settings.measure.seed);
  const size_t of_queries = slopes.dq.size(), of_keys = slopes.dk.size();
  const Answer<std::vector<float>> answer =
      worker.rows(RowsRequest{id, rows_of(problem)}, of_queries + 2 * of_keys);
  if (std::optional<End> end = end_in(answer)) return end;
  const std::span<const float> got = std::get<std::vector<float>>(answer);
  std::optional<End> end = compare(problem, "dQ", slopes.dq, got.first(of_queries));
  if (!end) end = compare(problem, "dK", slopes.dk, got.subspan(of_queries, of_keys));
  if (!end) end = compare(problem, "dV", slopes.dv, got.last(of_keys));
  worker.call(ReleaseRequest{id});
  return end;
}

}  // namespace attnbench
