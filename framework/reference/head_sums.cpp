// The identities that watch the heads whose rows are not checked:
//   sum_j dV_j = sum_i dO_i, for the rows of P sum to 1, and sum_j dK_j = 0, for those of dS do to
//   0
// with i over all queries of the group that see any key, j over all keys.
//
// How exact they are in practice is estimated without computing P: its rows sum to 1, so
// sum_j P^2 <= 1, and sum_j dS^2 is at most about (stddev |dO_i|)^2. With w_i of noise.h, row i
// moves
//   sum_j dV by w_i |dO_i|,  sum_j dK by w_i stddev |dO_i| |scale Q_i|
// and the squares add up. LSE, of which w_i is made, is bounded by the row's smallest visible
// |bias| (a row that sees only -65504 has scores that fp32 cannot resolve), 6 typical scores and ln
// n.
#include <algorithm>
#include <cmath>
#include <limits>

#include "reference/parallel.h"
#include "reference/parts.h"

namespace attnbench {
namespace {

// A bias this small does not change how well fp32 resolves a score: no need to look further.
constexpr double kSmallBias = 16.0;
constexpr int64_t kBiasChunk = 64;

// The smallest |bias| that the row sees, +inf if it sees no key. Looks no further than needed.
double smallest_bias(const Setup& setup, int64_t batch, int64_t head, int64_t index) {
  const int64_t visible = setup.visible_keys(index);
  if (visible == 0) return std::numeric_limits<double>::infinity();
  if (setup.problem.bias == Bias::none) return 0.0;
  double smallest = std::numeric_limits<double>::infinity();
  float chunk[kBiasChunk];
  for (int64_t first = 0; first < visible && smallest > kSmallBias; first += kBiasChunk) {
    const std::span<float> some(chunk, static_cast<size_t>(std::min(kBiasChunk, visible - first)));
    setup.source.fill_row(Role::bias, batch, head, index, some, first);
    for (const float bias : some)
      smallest = std::min(smallest, std::abs(static_cast<double>(bias)));
  }
  return smallest;
}

void add_head(const Setup& setup, int64_t head, HeadSums& sums) {
  const Problem& problem = setup.problem;
  const NoiseModel& noise = setup.noise;
  const double lse_without_bias =
      6.0 * noise.score_size() + std::log(static_cast<double>(problem.seqlen_kv));
  const size_t columns = static_cast<size_t>(problem.head_dim);
  std::vector<float> q(columns), d_o(columns);
  for (int64_t i = 0; i < problem.seqlen_q; ++i) {
    const double bias = smallest_bias(setup, sums.batch, head, i);
    if (std::isinf(bias)) continue;
    setup.source.fill_row(Role::q, sums.batch, head, i, q);
    setup.source.fill_row(Role::do_, sums.batch, head, i, d_o);
    double norm_squared = 0.0;
    for (const float element : d_o) norm_squared += static_cast<double>(element) * element;
    const double w2 = noise.weight_squared(lse_without_bias + bias);
    const double ds_scale = noise.value_size() * setup.scale;
    for (size_t c = 0; c < columns; ++c) {
      sums.dv_sum[c] += d_o[c];
      sums.dv_noise[c] += w2 * d_o[c] * d_o[c];
      sums.dk_noise[c] += w2 * norm_squared * ds_scale * ds_scale * q[c] * q[c];
    }
  }
}

HeadSums sum_head(const Setup& setup, int64_t batch, int64_t kv_head) {
  const Problem& problem = setup.problem;
  const std::vector<double> zeros(static_cast<size_t>(problem.head_dim));
  HeadSums sums{batch, kv_head, zeros, zeros, zeros};
  for (int64_t h = 0; h < setup.group; ++h) add_head(setup, kv_head * setup.group + h, sums);
  const int64_t terms = problem.seqlen_kv * problem.seqlen_q * setup.group;
  for (size_t c = 0; c < zeros.size(); ++c) {
    sums.dv_noise[c] = setup.noise.of_element(0.0, sums.dv_noise[c], 1.0, terms);
    sums.dk_noise[c] = setup.noise.of_element(0.0, sums.dk_noise[c], setup.scale, terms);
  }
  return sums;
}

}  // namespace

std::vector<HeadSums> compute_head_sums(const Setup& setup, const Threads& threads) {
  const int64_t kv_heads = setup.problem.kv_heads;
  std::vector<HeadSums> sums(static_cast<size_t>(setup.problem.batch * kv_heads));
  parallel_for(static_cast<int64_t>(sums.size()), threads, [&](int64_t head, int) {
    sums[static_cast<size_t>(head)] = sum_head(setup, head / kv_heads, head % kv_heads);
  });
  return sums;
}

}  // namespace attnbench
