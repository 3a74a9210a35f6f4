#include "reference/noise.h"

#include <algorithm>
#include <cmath>

namespace attnbench {
namespace {

double unit_roundoff_of(Dtype dtype) {
  if (dtype == Dtype::fp16) return 0x1p-11;
  if (dtype == Dtype::bf16) return 0x1p-8;
  return kUnitRoundoffFp32;
}

// fp16's subnormals are half steps of 2^-24 away from the truth. bf16 and fp32 share an exponent
// range in which many kernels flush subnormals to zero.
double floor_of(Dtype dtype) {
  return dtype == Dtype::fp16 ? 0x1p-25 : 0x1p-126;
}

}  // namespace

NoiseModel::NoiseModel(const Problem& problem)
    : u_(unit_roundoff_of(problem.dtype)),
      floor_(floor_of(problem.dtype)),
      dot_growth_(std::max(1.0, std::sqrt(static_cast<double>(problem.head_dim)) / 4.0)),
      score_size_(problem.inputs.stddev * problem.inputs.stddev *
                  std::sqrt(static_cast<double>(problem.head_dim)) *
                  std::abs(problem.softmax_scale()) * dot_growth_),
      value_size_(std::abs(problem.inputs.stddev)) {
  const int64_t queries = problem.seqlen_q * (problem.heads / problem.kv_heads);
  const double longest = static_cast<double>(std::max(problem.seqlen_kv, queries));
  sum_squared_ = kUnitRoundoffFp32 * kUnitRoundoffFp32 * longest / 4.0;
  lse_sum_noise_ = kUnitRoundoffFp32 * std::sqrt(static_cast<double>(problem.seqlen_kv)) / 4.0;
}

double NoiseModel::score_noise(double lse) const {
  const double size = std::isfinite(lse) ? std::abs(lse) : 0.0;
  return kUnitRoundoffFp32 * (1.0 + score_size_ + size);
}

double NoiseModel::weight_squared(double lse) const {
  const double of_score = 2.0 * score_noise(lse);
  return u_ * u_ + of_score * of_score + sum_squared_;
}

double NoiseModel::lost_squared(double p) const {
  if (p <= floor_) return p > 0.0 ? 1.0 : 0.0;
  const double part = floor_ / p;
  return part * part;
}

double NoiseModel::lse_noise(double lse) const {
  return score_noise(lse) + lse_sum_noise_;
}

double NoiseModel::dot_squared(double norm_squared) const {
  const double noise = kUnitRoundoffFp32 * value_size_ * dot_growth_;
  return noise * noise * norm_squared;
}

double NoiseModel::of_element(double value, double inherited_squared, double factor,
                              int64_t terms) const {
  const double own = u_ * value;
  const double sum_floor = factor * value_size_;
  return std::sqrt(own * own + inherited_squared +
                   floor_ * floor_ * (1.0 + sum_floor * sum_floor * static_cast<double>(terms)));
}

}  // namespace attnbench
