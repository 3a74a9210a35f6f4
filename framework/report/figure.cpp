#include "report/figure.h"

#include <unordered_map>
#include <utility>

namespace attnbench {
namespace {

// One record may serve many plots (a provider without block sizes is in nine of the seed's), so its
// samples are summarised once.
using PointsById = std::unordered_map<std::string, FigurePoint>;

PointsById points_of(const std::vector<Record>& records) {
  PointsById points;
  for (const Record& record : records) {
    FigurePoint point{true, &record, 0.0, {}};
    if (record.is_ok()) {
      const Summary summary = summarise(record.samples_ms);
      point.median_ms = summary.median;
      point.ci_ms = summary.ci;
    }
    points[record.trial_id] = point;
  }
  return points;
}

FigurePoint point_of(const PointsById& points, const std::string& trial_id) {
  if (trial_id.empty()) return {};
  const PointsById::const_iterator found = points.find(trial_id);
  return found == points.end() ? FigurePoint{true, nullptr, 0.0, {}} : found->second;
}

}  // namespace

void for_each_figure(const Plan& plan, const std::vector<Record>& records,
                     const std::function<void(const Figure&)>& visit) {
  const PointsById points = points_of(records);
  plan.for_each_plot([&](const Plot& plot) {
    Figure figure{plot.name,        plan.sweep().plot.x, plot.x_labels,
                  plot.is_x_number, plot.x_values,       {}};
    for (const PlotLine& line : plot.lines) {
      FigureLine drawn{line.label, line.color, line.dash, {}, line.is_overlay};
      for (const std::string& id : line.trial_ids) drawn.points.push_back(point_of(points, id));
      figure.lines.push_back(std::move(drawn));
    }
    visit(figure);
    return true;
  });
}

}  // namespace attnbench
