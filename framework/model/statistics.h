// Statistics of samples: functions of values, no assumption about their distribution.
#pragma once

#include <vector>

namespace attnbench {

struct Interval {
  double low = 0.0;
  double high = 0.0;
};

struct Summary {
  int n = 0;
  double median = 0.0;
  Interval ci;  // 95 % order-statistic confidence interval of the median
  double min = 0.0;
  double p20 = 0.0;
  double p80 = 0.0;
  double mean = 0.0;
  double half_width()
      const;  // of the interval, relative to the median: max(high-median, median-low)/median
};

// Half the samples lie below this; a stray slow launch does not move it.
double median(std::vector<double> samples);
// Linear interpolation between order statistics, q in [0, 1].
double quantile(std::vector<double> samples, double q);
// Narrowest symmetric pair of order statistics that holds the median with at least 95 % (binomial);
// the whole range when n < 6, where no pair does.
Interval median_interval(std::vector<double> samples);
Summary summarise(const std::vector<double>& samples);

}  // namespace attnbench
