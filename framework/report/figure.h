// A figure: one plot of the sweep with its numbers filled in. What its CSV, its picture and its
// place on the page are made of, so that the three cannot disagree.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "model/record.h"
#include "model/statistics.h"
#include "sweep/expand.h"

namespace attnbench {

struct FigurePoint {
  bool is_planned = false;         // false: the sweep excludes this point
  const Record* record = nullptr;  // nullptr: the run has not come to it
  double median_ms = 0.0;          // these only where is_ok()
  Interval ci_ms;

  bool is_ok() const { return record != nullptr && record->is_ok(); }
  bool is_failed() const { return record != nullptr && !record->is_ok(); }
};

struct FigureLine {
  std::string label, color, dash;   // as the sweep says them; hostile until escaped
  std::vector<FigurePoint> points;  // one for each x
  bool is_overlay = false;          // no column of the CSV
};

struct Figure {
  std::string name;  // of its files, without ending; safe as a file name, hostile in all else
  std::string x_name;
  std::vector<std::string> x_labels;
  bool is_x_number = true;
  std::vector<double> x_values;
  std::vector<FigureLine> lines;
};

// Every plot of the plan in its order. The records are borrowed while `visit` runs.
void for_each_figure(const Plan& plan, const std::vector<Record>& records,
                     const std::function<void(const Figure&)>& visit);

}  // namespace attnbench
