#include "compare/probability.h"

#include <cmath>
#include <functional>
#include <limits>

namespace attnbench {
namespace {

constexpr int kMaxSteps = 500;
constexpr double kTiny = 1e-300;

// The continued fraction of the incomplete beta function, by Lentz's method; quick where
// x < (a + 1) / (a + b + 2).
double beta_fraction(double x, double a, double b) {
  double c = 1.0;
  double d = 1.0 - (a + b) * x / (a + 1.0);
  d = 1.0 / (std::abs(d) < kTiny ? kTiny : d);
  double value = d;
  const auto advance = [&](double numerator) {
    d = 1.0 + numerator * d;
    d = 1.0 / (std::abs(d) < kTiny ? kTiny : d);
    c = 1.0 + numerator / c;
    if (std::abs(c) < kTiny) c = kTiny;
    value *= c * d;
  };
  for (int m = 1; m < kMaxSteps; ++m) {
    advance(m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)));
    advance(-(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)));
    if (std::abs(c * d - 1.0) < 1e-15) break;
  }
  return value;
}

// The regularised incomplete beta function I_x(a, b).
double beta_cumulative(double x, double a, double b) {
  if (x <= 0.0) return 0.0;
  if (x >= 1.0) return 1.0;
  const double front = std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) +
                                a * std::log(x) + b * std::log1p(-x));
  if (x < (a + 1.0) / (a + b + 2.0)) return front * beta_fraction(x, a, b) / a;
  return 1.0 - front * beta_fraction(1.0 - x, b, a) / b;
}

// Where the falling function `tail` passes p.
double inverted(const std::function<double(double)>& tail, double p) {
  if (p >= 1.0) return 0.0;
  if (p <= 0.0) return std::numeric_limits<double>::infinity();
  double low = 0.0;
  double high = 1.0;
  while (tail(high) > p && high < 1e18) high *= 2.0;
  for (int step = 0; step < 100; ++step) {
    const double middle = 0.5 * (low + high);
    (tail(middle) > p ? low : high) = middle;
  }
  return high;
}

}  // namespace

double normal_two_sided(double z) {
  return std::erfc(std::abs(z) / std::sqrt(2.0));
}

double normal_quantile(double p) {
  return inverted(normal_two_sided, p);
}

double student_two_sided(double t, double freedom) {
  if (std::isinf(t)) return 0.0;
  return beta_cumulative(freedom / (freedom + t * t), 0.5 * freedom, 0.5);
}

double student_quantile(double p, double freedom) {
  return inverted([freedom](double t) { return student_two_sided(t, freedom); }, p);
}

}  // namespace attnbench
