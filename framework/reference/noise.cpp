#include "reference/noise.h"

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
      score_size_(problem.inputs.stddev * problem.inputs.stddev *
                  std::sqrt(static_cast<double>(problem.head_dim)) *
                  std::abs(problem.softmax_scale())),
      value_size_(std::abs(problem.inputs.stddev)) {}

double NoiseModel::weight_squared(double lse) const {
  const double of_score = 2.0 * lse_noise(lse);
  return u_ * u_ + of_score * of_score;
}

double NoiseModel::lse_noise(double lse) const {
  const double size = std::isfinite(lse) ? std::abs(lse) : 0.0;
  return kUnitRoundoffFp32 * (1.0 + score_size_ + size);
}

double NoiseModel::dot_squared(double norm_squared) const {
  const double noise = kUnitRoundoffFp32 * value_size_;
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
