#include "report/gnuplot_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "base/enum_text.h"
#include "base/text.h"
#include "report/terminal_text.h"

namespace attnbench {
namespace {

constexpr int kTitleColumns = 88;  // what 640 pixels hold
constexpr int kLabelColumns = 40;
constexpr int kPlotPixels = 560;     // between the left and the right end of the x axis, about
constexpr int kPixelsPerColumn = 8;  // of a tic's label
// Heights as parts of the frame's: of the first row of failure marks, one row for each line that
// has any, and of the highest point below them.
constexpr double kMarkTop = 0.97;
constexpr double kMarkStep = 0.05;
constexpr const char* kCross = "with points pt 2 lw 1.5 ps 2.2 lc rgb \"#444444\"";

double highest_point(int64_t rows_of_marks) {
  return std::max(0.5, kMarkTop - 0.02 - kMarkStep * static_cast<double>(rows_of_marks));
}

// Colours that the eye tells apart, also one that does not see red or green (Okabe and Ito 2008).
constexpr const char* kPalette[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                    "#e69f00", "#56b4e9", "#000000", "#999999"};
// gnuplot's own "green" is a neon one; these are the colours that matplotlib gives the names.
struct NamedColor {
  std::string_view name, rgb;
};
constexpr NamedColor kNamedColors[] = {
    {"blue", "#0000ff"},  {"green", "#008000"}, {"red", "#ff0000"},    {"cyan", "#00bfbf"},
    {"black", "#000000"}, {"gray", "#808080"},  {"grey", "#808080"},   {"magenta", "#bf00bf"},
    {"brown", "#a52a2a"}, {"pink", "#ffc0cb"},  {"purple", "#800080"}, {"orange", "#ffa500"},
    {"olive", "#808000"}, {"navy", "#000080"},  {"teal", "#008080"},   {"yellow", "#bfbf00"}};
constexpr int kPointTypes[] = {7, 5, 9, 13, 11, 6, 4, 8};  // filled ones first

struct LineStyle {
  std::string rgb;
  int dash_type = 1;
  int point_type = 7;
};

std::string color_of(const FigureLine& line, size_t index) {
  if (line.color.starts_with('#')) return line.color;
  for (const NamedColor& color : kNamedColors) {
    if (color.name == line.color) return std::string(color.rgb);
  }
  return kPalette[index % std::size(kPalette)];
}

LineStyle style_of(const FigureLine& line, size_t index) {
  constexpr EnumText<int> kDashTypes[] = {{2, "dashed"}, {3, "dotted"}, {4, "dashdot"}};
  return {color_of(line, index), enum_from_text(kDashTypes, line.dash).value_or(1),
          kPointTypes[index % std::size(kPointTypes)]};
}

bool has_point(const FigureLine& line, bool (FigurePoint::*is_so)() const) {
  return std::any_of(line.points.begin(), line.points.end(),
                     [is_so](const FigurePoint& point) { return (point.*is_so)(); });
}

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  bool is_empty() const { return low > high; }
  void take(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

Range y_range(const Figure& figure) {
  Range range;
  for (const FigureLine& line : figure.lines) {
    for (const FigurePoint& point : line.points) {
      if (!point.is_ok()) continue;
      range.take(point.ci_ms.low);
      range.take(point.ci_ms.high);
    }
  }
  return range;
}

// Room on both sides, so that no point lies on the frame.
std::string axis_range(Range range, bool is_log, double room_below, double room_above) {
  if (is_log) {
    const double width = std::max(std::log(range.high / range.low), 0.5);
    return fmt::format("[{:g}:{:g}]", range.low * std::exp(-width * room_below),
                       range.high * std::exp(width * room_above));
  }
  const double width =
      range.high > range.low ? range.high - range.low : std::max(std::abs(range.high), 1e-6);
  return fmt::format("[{:.10g}:{:.10g}]", range.low - width * room_below,
                     range.high + width * room_above);
}

// A tic at every x; of labels that would touch each other the left one stays.
std::string x_tics(const Figure& figure, Range range, bool is_log) {
  const auto place = [is_log](double x) { return is_log ? std::log(x) : x; };
  const double width = place(range.high) - place(range.low);
  std::vector<std::string> tics;
  double free_from = -std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < figure.x_values.size(); ++i) {
    const double x = figure.x_values[i];
    const double pixel =
        width > 0.0 ? (place(x) - place(range.low)) / width * kPlotPixels : kPlotPixels / 2.0;
    std::string label = cut_to_width(printable(figure.x_labels[i]), 16);
    const double half_width = (display_width(label) + 1) * kPixelsPerColumn / 2.0;
    if (pixel - half_width < free_from) {
      label.clear();
    } else {
      free_from = pixel + half_width;
    }
    // A tic's label is a format: a percent sign must be doubled.
    std::string doubled;
    for (const char letter : label) doubled += letter == '%' ? "%%" : std::string(1, letter);
    tics.push_back(fmt::format("{} {:.10g}", gnuplot_string(doubled), x));
  }
  return join(tics, ", ");
}

std::string number_or_nan(bool is_there, double number) {
  return is_there ? fmt::format("{:.9g}", number) : "NaN";
}

// x, median, interval, height of the failure mark; NaN breaks a line, where a missing row would let
// it go on to the next point.
std::string data_block(const Figure& figure, size_t index, double mark_height) {
  std::string text = fmt::format("$line{} << end_of_line\n", index);
  for (size_t x = 0; x < figure.x_values.size(); ++x) {
    const FigurePoint& point = figure.lines[index].points[x];
    const bool is_ok = point.is_ok();
    text += fmt::format(
        "{:.10g} {} {} {} {}\n", figure.x_values[x], number_or_nan(is_ok, point.median_ms),
        number_or_nan(is_ok, point.ci_ms.low), number_or_nan(is_ok, point.ci_ms.high),
        number_or_nan(point.is_failed(), mark_height));
  }
  return text + "end_of_line\n";
}

}  // namespace

std::string gnuplot_string(std::string_view text) {
  std::string result = "\"";
  for (const char letter : text) {
    const unsigned char byte = static_cast<unsigned char>(letter);
    const bool is_plain = ('0' <= letter && letter <= '9') || ('A' <= letter && letter <= 'Z') ||
                          ('a' <= letter && letter <= 'z') || letter == ' ' || letter == '.' ||
                          letter == '-' || letter == '=' || letter == '/';
    result += is_plain ? std::string(1, letter) : fmt::format("\\{:03o}", byte);
  }
  return result + '"';
}

std::string gnuplot_preamble(const PlotSpec& spec) {
  return fmt::format(
      R"(# Written by attnbench; `gnuplot plots.gnuplot` draws the pictures again.
set encoding utf8
set terminal pngcairo size 640,480 noenhanced font "sans,10" background rgb "#ffffff"
set border 3 lc rgb "#444444"
set tics nomirror out
set grid ytics lc rgb "#dddddd" lt 1 lw 1
set key bmargin center horizontal samplen 3 width -1 height 0.5 font ",9"
set tmargin 3
set bars 0.6
set y2range [0:1]
set xlabel {} offset 0,0.4
set ylabel {}
)",
      gnuplot_string(cut_to_width(printable(spec.x_label), kTitleColumns)),
      gnuplot_string(cut_to_width(printable(spec.y_label), kLabelColumns)));
}

std::string gnuplot_commands(const Figure& figure, const PlotSpec& spec) {
  Range xs;
  for (const double x : figure.x_values) xs.take(x);
  Range ys = y_range(figure);
  const bool has_numbers = !ys.is_empty();
  if (!has_numbers) ys = {0.0, 1.0};
  const bool is_x_log = spec.is_x_log && figure.is_x_number && xs.low > 0.0;
  const bool is_y_log = spec.is_y_log && has_numbers && ys.low > 0.0;
  if (!is_y_log) ys.low = 0.0;
  const int64_t rows_of_marks = std::count_if(
      figure.lines.begin(), figure.lines.end(),
      [](const FigureLine& line) { return has_point(line, &FigurePoint::is_failed); });

  std::string text = fmt::format("\nset output {}\n", gnuplot_string("./" + figure.name + ".png"));
  // A label, since a title would be centred on the axes and run out of the picture.
  text += fmt::format("set label 1 {} at screen 0.5,0.95 center font \",9\"\n",
                      gnuplot_string(cut_to_width(printable(figure.name), kTitleColumns)));
  text += fmt::format("{} logscale x\n{} logscale y\n", is_x_log ? "set" : "unset",
                      is_y_log ? "set" : "unset");
  text += fmt::format("set xrange {}\n", axis_range(xs, is_x_log, 0.04, 0.04));
  text += fmt::format("set yrange {}\n", axis_range(ys, is_y_log, is_y_log ? 0.05 : 0.0,
                                                    1.0 / highest_point(rows_of_marks) - 1.0));
  text += fmt::format("set xtics ({})\n", x_tics(figure, xs, is_x_log));
  text += has_numbers ? "unset label 2\nset format y\n"
                      : "set format y \"\"\nset label 2 \"nothing was measured here\" at graph "
                        "0.5,0.5 center tc rgb \"#888888\"\n";

  std::vector<std::string> items;
  double mark_height = kMarkTop;
  for (size_t i = 0; i < figure.lines.size(); ++i) {
    const FigureLine& line = figure.lines[i];
    const LineStyle style = style_of(line, i);
    const bool has_failures = has_point(line, &FigurePoint::is_failed);
    text += data_block(figure, i, mark_height);
    const std::string look =
        fmt::format("with linespoints lw 2 ps 1.1 lc rgb \"{}\" dt {} pt {} title {}", style.rgb,
                    style.dash_type, style.point_type,
                    gnuplot_string(cut_to_width(printable(line.label), kLabelColumns)));
    if (has_point(line, &FigurePoint::is_ok)) {
      items.push_back(fmt::format(
          "$line{} using 1:2:3:4 with yerrorbars lw 1.5 pt 0 lc rgb \"{}\" notitle", i, style.rgb));
      // After its whiskers: a point covers the middle of them.
      items.push_back(fmt::format("$line{} using 1:2 {}", i, look));
    } else {
      items.push_back("NaN " + look);  // keeps its place in the legend
    }
    if (!has_failures) continue;
    // The line's own point on the cross: two lines may share a colour.
    items.push_back(fmt::format("$line{} using 1:5 axes x1y2 {} notitle", i, kCross));
    items.push_back(fmt::format(
        "$line{} using 1:5 axes x1y2 with points lw 2 ps 1.1 pt {} lc rgb \"{}\" notitle", i,
        style.point_type, style.rgb));
    mark_height -= kMarkStep;
  }
  if (rows_of_marks > 0) {
    items.push_back(fmt::format("NaN {} title \"failed\"", kCross));
  }
  return text + "plot " + join(items, ", \\\n     ") + "\n";
}

}  // namespace attnbench
