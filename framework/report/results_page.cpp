#include "report/results_page.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/html_text.h"

namespace attnbench {
namespace {

constexpr std::string_view kHead = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{0}</title>
<style>
body {{ font: 14px/1.4 sans-serif; margin: 1.5em; color: #222; background: #fff; }}
h2 {{ font-size: 1em; overflow-wrap: anywhere; }}
img {{ max-width: 100%; height: auto; }}
table {{ border-collapse: collapse; }}
th, td {{ padding: 0.1em 0.7em; text-align: right; border-bottom: 1px solid #ddd; }}
.failed {{ color: #a33; }}
.absent {{ color: #999; }}
</style>
</head>
<body>
<h1>{0}</h1>
<p>{1}</p>
<p>{2} plot{3}. Times are medians in ms with their 95 % confidence interval. A point that failed has
no time: in a picture it is a crossed-out mark at the top edge, in a table the reason. The CSV files follow the
format of triton.testing, where a number of the sweep's choice stands for a failure.</p>
)";

std::string cell_text(const FigurePoint& point) {
  if (!point.is_planned) return "<td class=\"absent\">-</td>";
  if (point.record == nullptr) return "<td class=\"absent\">not run</td>";
  if (point.is_failed()) {
    return fmt::format("<td class=\"failed\" title=\"{}\">{}</td>",
                       html_escaped(point.record->message), to_text(point.record->outcome));
  }
  return fmt::format("<td title=\"{:.6f} to {:.6f}, {} samples\">{:.6f}</td>", point.ci_ms.low,
                     point.ci_ms.high, point.record->samples_ms.size(), point.median_ms);
}

}  // namespace

std::string results_page_begin(const Sweep& sweep, size_t figures) {
  return fmt::format(kHead, html_escaped(sweep.name), html_escaped(sweep.description), figures,
                     figures == 1 ? "" : "s");
}

std::string results_page_figure(const Figure& figure, const PlotSpec& spec, bool has_picture) {
  const std::string name = html_escaped(figure.name);
  const std::string url = url_of_file(figure.name);
  std::string text = fmt::format("<h2>{}</h2>\n", name);
  if (has_picture) {
    text += fmt::format(
        "<img src=\"{}.png\" alt=\"{}\" width=\"640\" height=\"480\" loading=\"lazy\">\n", url,
        name);
  }
  text += fmt::format("<details{}><summary>numbers, <a href=\"{}.csv\">CSV</a></summary>\n",
                      has_picture ? "" : " open", url);
  text += fmt::format("<table>\n<tr><th>{}</th>", html_escaped(spec.x_label));
  for (const FigureLine& line : figure.lines) {
    text += fmt::format("<th>{}</th>", html_escaped(line.label));
  }
  text += "</tr>\n";
  for (size_t x = 0; x < figure.x_labels.size(); ++x) {
    text += fmt::format("<tr><th>{}</th>", html_escaped(figure.x_labels[x]));
    for (const FigureLine& line : figure.lines) text += cell_text(line.points[x]);
    text += "</tr>\n";
  }
  return text + "</table></details>\n";
}

std::string results_page_end() {
  return "</body>\n</html>\n";
}

}  // namespace attnbench
