// Sweep to trials. A plan of a million trials is never held in memory: it is walked, in an order
// that is the same every time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "model/provider_info.h"
#include "sweep/sweep.h"

namespace attnbench {

// A line of the sweep with the device it runs on here.
struct PlannedLine {
  Line line;
  std::string device;                 // "cpu", "cuda:0"
  bool is_installed = false;          // else its trials will end as load_failed
  std::vector<std::string> declared;  // options that the provider has, as far as known
};

struct PlanCounts {
  int64_t plots = 0;
  int64_t points = 0;  // of all lines of all plots: what the seed would have measured
  int64_t trials = 0;  // distinct: points that are the same trial are measured once
  int64_t cases = 0;   // problem x device
};

// Points of one provider in one plot.
struct PlotLine {
  std::string label, provider, color, dash;
  bool is_overlay = false;
  std::vector<std::string> trial_ids;  // one for each x; empty: the sweep has no such point
};
struct Plot {
  std::string name;          // of its files, without ending; safe as a file name
  std::vector<size_t> rows;  // of every axis; 0 of the one that holds x
  std::vector<std::string> x_labels;
  bool is_x_number = true;
  std::vector<double> x_values;  // 0, 1, 2, ... where x is not a number
  std::vector<PlotLine> lines;
};

class Plan {
 public:
  Plan(Plan&&) noexcept;
  Plan& operator=(Plan&&) noexcept;
  ~Plan();

  const Sweep& sweep() const;
  const std::vector<PlannedLine>& lines() const;
  const std::vector<std::string>& notes() const;  // one sentence for each line that was left out
  const PlanCounts& counts() const;

  // Every distinct trial once. Trials of one case (problem x device) follow each other and carry
  // the same case_index, counted from 0; within a case they are in the order of the lines. A bool
  // of false from `visit` ends the walk.
  void for_each_trial(const std::function<bool(const Trial&, int64_t case_index)>& visit) const;
  // Every plot in the order of the axes.
  void for_each_plot(const std::function<bool(const Plot&)>& visit) const;

 private:
  friend Plan expand(const Sweep&, const std::vector<ProviderInfo>&,
                     const std::vector<std::string>&);
  struct Impl;
  explicit Plan(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// `providers`: what is installed (broken and shadowed files too). `devices`: those of this machine,
// {"cpu"} or {"cpu", "cuda:0"}; a line runs on the first of its type. Throws SweepError on an
// unknown provider or option, a value that a provider does not offer, a combination that is no
// problem, two plots with one name, or more points than anyone can measure.
Plan expand(const Sweep& sweep, const std::vector<ProviderInfo>& providers,
            const std::vector<std::string>& devices);

}  // namespace attnbench
