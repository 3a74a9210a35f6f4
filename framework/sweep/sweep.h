// Sweep: many problems times some providers, as its TOML file says it. Plain data: parse.h reads it
// from text, override.h changes it by the command line, expand.h turns it into trials.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "model/outcome.h"
#include "model/problem.h"
#include "model/settings.h"
#include "model/trial.h"

namespace attnbench {

// Where a thing was written: "sweeps/quick.toml:3:5", or, from the command line, "-a batch=1,2".
struct Place {
  std::string source;
  int line = 0;  // 0: source says it all
  int column = 0;
  std::string text() const;
};

// A mistake in a sweep. line() is `file:line:column: what is wrong -- what to do`.
class SweepError : public Error {
 public:
  SweepError(const Place& where, const std::string& what, const std::string& hint);
};

// One value of an axis, and how plot names spell it.
struct Cell {
  OptionValue value;
  std::string label;
};

// A row of an axis: one cell for each of its names.
struct Row {
  std::vector<Cell> cells;
  Place where;
};

// One dimension of the grid. Several names: they are zipped, that is, they change together. A name
// is a problem field, or else an option that some providers declare.
struct Axis {
  std::vector<std::string> names;
  std::vector<Row> rows;
  Place where;
};

// A problem field that is the same in all trials.
struct Setting {
  std::string name;
  Cell cell;
  Place where;
};

// Leaves out what agrees with every condition. `name` is an axis, or "provider" (by id).
struct Condition {
  std::string name;
  std::vector<OptionValue> values;
};
struct Exclude {
  std::vector<Condition> conditions;
  Place where;
};

// A provider as one line of every plot.
struct Line {
  std::string id;
  std::string label;
  Options options;           // of this line alone; they win over an axis of the same name
  std::string device_type;   // "cpu", "cuda"; empty: the best that the provider and machine have
  bool is_optional = false;  // left out, with a note, where it cannot run
  bool is_overlay = false;   // drawn in the plots, but no column of their CSV files
  std::string color;         // "green", "#00aa00"; empty: the report chooses
  std::string dash;          // "solid", "dashed", "dotted", "dashdot"; empty: solid
  Place where;
};

struct PlotSpec {
  std::string x;              // the axis that is drawn horizontally
  std::string name_template;  // "bias={bias}-mode={mode}": file name of a plot, a field is an axis
  std::string x_label, y_label;
  bool is_x_log = false, is_y_log = false;
  Place name_where;
};

struct Sweep {
  std::string name;  // the file's name without .toml
  std::string file;  // as the user would name it
  std::string description;
  std::vector<Setting> problem;
  Inputs inputs;
  std::vector<Axis> axes;  // the first changes slowest
  std::vector<Exclude> excludes;
  std::vector<Line> lines;
  std::vector<std::string> filters;  // a trial is kept if all agree; see matches() in filter.h
  MeasureSettings measure;
  Sentinels sentinels;
  PlotSpec plot;
};

}  // namespace attnbench
