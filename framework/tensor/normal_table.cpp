#include "tensor/normal_table.h"

#include <cmath>
#include <vector>

namespace attnbench {
namespace {

constexpr double kLn2 = 0.69314718055994530942;

// ln x for 0 < x < 1: halve until near 1, then 2 atanh((x - 1) / (x + 1)) as a series.
double natural_log(double x) {
  int doublings = 0;
  while (x < 0.75) {
    x *= 2.0;
    ++doublings;
  }
  const double ratio = (x - 1.0) / (x + 1.0);
  const double square = ratio * ratio;
  double sum = 0.0;
  for (int term = 31; term >= 1; term -= 2) sum = sum * square + 1.0 / term;
  return 2.0 * ratio * sum - doublings * kLn2;
}

template <int terms>
double polynomial(const double (&coefficients)[terms], double x) {
  double sum = 0.0;
  for (int term = terms - 1; term >= 0; --term) sum = sum * x + coefficients[term];
  return sum;
}

// The quantile of the standard normal, error about 1e-16: rational approximations of Wichura,
// "Algorithm AS 241", Applied Statistics 37 (1988). Its third region (below 1e-11) is not needed.
double normal_quantile(double probability) {
  constexpr double kCentreTop[] = {3.3871328727963666080e0, 1.3314166789178437745e2,
                                   1.9715909503065514427e3, 1.3731693765509461125e4,
                                   4.5921953931549871457e4, 6.7265770927008700853e4,
                                   3.3430575583588128105e4, 2.5090809287301226727e3};
  constexpr double kCentreBottom[] = {1.0,
                                      4.2313330701600911252e1,
                                      6.8718700749205790830e2,
                                      5.3941960214247511077e3,
                                      2.1213794301586595867e4,
                                      3.9307895800092710610e4,
                                      2.8729085735721942674e4,
                                      5.2264952788528545610e3};
  constexpr double kTailTop[] = {1.42343711074968357734e0,  4.63033784615654529590e0,
                                 5.76949722146069140550e0,  3.64784832476320460504e0,
                                 1.27045825245236838258e0,  2.41780725177450611770e-1,
                                 2.27238449892691845833e-2, 7.74545014278341407640e-4};
  constexpr double kTailBottom[] = {1.0,
                                    2.05319162663775882187e0,
                                    1.67638483018380384940e0,
                                    6.89767334985100004550e-1,
                                    1.48103976427480074590e-1,
                                    1.51986665636164571966e-2,
                                    5.47593808499534494600e-4,
                                    1.05075007164441684324e-9};
  const double centred = probability - 0.5;
  if (std::abs(centred) <= 0.425) {
    const double r = 0.180625 - centred * centred;
    return centred * polynomial(kCentreTop, r) / polynomial(kCentreBottom, r);
  }
  const double tail = centred < 0.0 ? probability : 1.0 - probability;
  const double r = std::sqrt(-natural_log(tail)) - 1.6;
  const double magnitude = polynomial(kTailTop, r) / polynomial(kTailBottom, r);
  return centred < 0.0 ? -magnitude : magnitude;
}

std::vector<float> make_table() {
  std::vector<float> table(kNormalTableSize);
  for (int i = 0; i < kNormalTableSize; ++i) {
    table[static_cast<size_t>(i)] =
        static_cast<float>(normal_quantile((i + 0.5) / kNormalTableSize));
  }
  return table;
}

}  // namespace

std::span<const float, kNormalTableSize> normal_table() {
  static const std::vector<float> table = make_table();
  return std::span<const float, kNormalTableSize>(table.data(), kNormalTableSize);
}

}  // namespace attnbench
