// The grid of a sweep as index arithmetic, so that a million trials cost no memory.
//
// A point is a row of every axis and a line. What makes it less than a plain product:
//  - An axis may zip a field with an option, so several of its rows can mean one problem. Rows that
//    set the same fields are a *group*; a case (problem) is a choice of one group from every axis.
//  - A line ignores options that its provider lacks, so several rows of a group can mean one trial.
//    Those are a *class* of the line; a trial is a choice of one class from every axis.
//  - [[exclude]] speaks of points. A trial lives as long as one of its points does.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sweep/expand.h"
#include "sweep/filter.h"
#include "sweep/name_template.h"

namespace attnbench {

// Counts through all combinations of digits; the last changes fastest, as inner loops do.
class Odometer {
 public:
  explicit Odometer(std::vector<size_t> sizes);
  bool is_done() const { return is_done_; }
  void advance();
  const std::vector<size_t>& digits() const { return digits_; }

 private:
  std::vector<size_t> sizes_;
  std::vector<size_t> digits_;
  bool is_done_ = false;
};

using RowSet = std::vector<size_t>;  // rows of one axis

class Grid {
 public:
  Grid(const Sweep& sweep, std::vector<PlannedLine> lines);

  const std::vector<PlannedLine>& lines() const { return lines_; }
  const std::vector<std::string>& devices() const { return devices_; }  // in the lines' order
  bool is_plain() const { return excludes_.empty(); }

  std::vector<size_t> row_counts() const;    // of every axis
  std::vector<size_t> group_counts() const;  // of every axis
  // How many classes a line has in the chosen group of every axis.
  std::vector<size_t> class_counts(size_t line, const std::vector<size_t>& groups) const;

  // A row of every axis that stands for the choice.
  std::vector<size_t> rows_of_groups(const std::vector<size_t>& groups) const;
  std::vector<size_t> rows_of_classes(size_t line, const std::vector<size_t>& groups,
                                      const std::vector<size_t>& classes) const;

  Problem problem(const std::vector<size_t>& rows) const;
  Options options(size_t line, const std::vector<size_t>& rows) const;
  bool is_excluded(size_t line, const std::vector<size_t>& rows) const;
  // Is one of the points of this trial left?
  bool has_points(size_t line, const std::vector<size_t>& groups,
                  const std::vector<size_t>& classes) const;
  // Has an earlier line of the same provider and device this very trial?
  bool is_repeated(size_t line, const std::vector<size_t>& groups, const Options& options) const;

 private:
  struct LineAxis {
    std::vector<size_t> option_columns;        // of the axis, that this line heeds
    std::vector<std::vector<RowSet>> classes;  // by group
  };
  struct GridCondition {
    int axis = -1;            // -1: the provider
    std::vector<bool> holds;  // by row, or by line
  };

  std::vector<LineAxis> line_axes(const PlannedLine& line) const;
  bool has_any_point(size_t line, const std::vector<RowSet>& candidates) const;

  const Sweep& sweep_;
  std::vector<PlannedLine> lines_;
  std::vector<std::string> devices_;
  std::vector<std::vector<RowSet>> groups_;       // by axis
  std::vector<std::vector<LineAxis>> line_axes_;  // by line, by axis
  std::vector<std::vector<GridCondition>> excludes_;
};

}  // namespace attnbench
