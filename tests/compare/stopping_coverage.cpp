// How often does the interval of a median that the stopping rule leaves behind hold the true
// median? 95 % is the promise for independent samples looked at once; a rule that looks several
// times, and samples that resemble their neighbours, take from it. Prints CSV;
// docs/stopping_coverage.gnuplot draws it.
#include <fmt/format.h>

#include <cmath>
#include <functional>
#include <iostream>
#include <random>

#include "measure/stopping.h"
#include "model/statistics.h"

namespace attnbench {
namespace {

constexpr int kRepetitions = 4000;
constexpr double kCallMs = 1.0;

using Generator = std::mt19937_64;
// Logarithm of each next sample, relative to the true median; `burst_begins` once a burst.
struct Source {
  std::string name;
  std::function<std::function<double(bool burst_begins)>(Generator&)> begin;
};

std::function<double(bool)> log_normal(Generator& generator, double deviation) {
  return [&generator, normal = std::normal_distribution<double>(0.0, deviation)](bool) mutable {
    return normal(generator);
  };
}

// A share of the samples is 3 % slower: another clock, another path through a cache. The median
// stands where half of all lies below it.
std::function<double(bool)> bimodal(Generator& generator, double slow_share) {
  constexpr double kDeviation = 0.002;
  constexpr double kDistance = 0.03;
  const auto below = [&](double at) {
    const auto normal = [&](double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); };
    return (1.0 - slow_share) * normal(at / kDeviation) +
           slow_share * normal((at - kDistance) / kDeviation);
  };
  double low = -1.0, high = 1.0;
  for (int step = 0; step < 100; ++step) {
    const double middle = 0.5 * (low + high);
    (below(middle) < 0.5 ? low : high) = middle;
  }
  return [&generator, slow_share, median = high,
          normal = std::normal_distribution<double>(0.0, kDeviation),
          chance = std::uniform_real_distribution<double>()](bool) mutable {
    return (chance(generator) < slow_share ? kDistance : 0.0) + normal(generator) - median;
  };
}

std::function<double(bool)> autoregressive(Generator& generator, double memory, double deviation) {
  std::normal_distribution<double> normal(0.0, deviation);
  return [&generator, memory, normal, last = normal(generator)](bool) mutable {
    last = memory * last + std::sqrt(1.0 - memory * memory) * normal(generator);
    return last;
  };
}

// Samples of a burst share a level, as a GPU's clock gives it.
std::function<double(bool)> in_bursts(Generator& generator, double level_deviation,
                                      double deviation) {
  return [&generator, level = 0.0, levels = std::normal_distribution<double>(0.0, level_deviation),
          inside = std::normal_distribution<double>(0.0, deviation)](bool burst_begins) mutable {
    if (burst_begins) level = levels(generator);
    return level + inside(generator);
  };
}

const std::vector<Source>& sources() {
  static const std::vector<Source> all = {
      {"log-normal 0.5 %", [](Generator& g) { return log_normal(g, 0.005); }},
      {"log-normal 2 %", [](Generator& g) { return log_normal(g, 0.02); }},
      {"log-normal 10 %", [](Generator& g) { return log_normal(g, 0.1); }},
      {"bimodal 20 % slow", [](Generator& g) { return bimodal(g, 0.2); }},
      {"bimodal 45 % slow", [](Generator& g) { return bimodal(g, 0.45); }},
      {"autocorrelated 0.5", [](Generator& g) { return autoregressive(g, 0.5, 0.02); }},
      {"autocorrelated 0.9", [](Generator& g) { return autoregressive(g, 0.9, 0.02); }},
      {"levels of bursts 1 %", [](Generator& g) { return in_bursts(g, 0.01, 0.005); }}};
  return all;
}

struct Coverage {
  double covered = 0.0;  // part of the repetitions
  double samples = 0.0;  // mean number taken
};

Coverage simulate(const StoppingRule& rule, const Source& source, Generator& generator) {
  Coverage coverage;
  for (int repetition = 0; repetition < kRepetitions; ++repetition) {
    const std::function<double(bool)> next = source.begin(generator);
    std::vector<double> samples_ms;
    double spent_s = 0.0;
    while (true) {
      const Decision decision = decide(rule, samples_ms, spent_s, kCallMs);
      if (decision.has_to_stop) break;
      for (int i = 0; i < decision.next_samples; ++i) {
        samples_ms.push_back(kCallMs * std::exp(next(i == 0)));
        spent_s += samples_ms.back() * 1e-3;
      }
    }
    const Interval interval = median_interval(samples_ms);
    if (interval.low <= kCallMs && kCallMs <= interval.high) coverage.covered += 1.0;
    coverage.samples += static_cast<double>(samples_ms.size());
  }
  return {coverage.covered / kRepetitions, coverage.samples / kRepetitions};
}

}  // namespace
}  // namespace attnbench

int main() {
  using namespace attnbench;
  Generator generator(20261124);
  std::cout << "samples,grid,normal,headline,n_grid,n_normal,n_headline\n";
  for (const Source& source : sources()) {
    std::string covered, counts;
    for (const Effort effort : {Effort::grid, Effort::normal, Effort::headline}) {
      const Coverage coverage = simulate(stopping_rule(effort, "cuda:0"), source, generator);
      covered += fmt::format(",{:.4f}", coverage.covered);
      counts += fmt::format(",{:.0f}", coverage.samples);
    }
    std::cout << source.name << covered << counts << "\n" << std::flush;
  }
}
