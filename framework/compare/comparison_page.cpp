#include "compare/comparison_page.h"

#include <fmt/format.h>

#include <limits>

#include "report/html_text.h"

namespace attnbench {
namespace {

constexpr std::string_view kHead = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{0} against {1}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 14px/1.4 sans-serif; margin: 1.5em; }}
div {{ overflow-x: auto; }}
table {{ border-collapse: collapse; }}
th, td {{ padding: 0.1em 0.7em; text-align: right; border-bottom: 1px solid #8884; }}
th.left, td.left {{ text-align: left; }}
th {{ position: sticky; top: 0; background: Canvas; }}
.FASTER {{ background: #0a74; }} .SLOWER, .BROKEN {{ background: #d334; }}
.AMBIGUOUS, .MISSING {{ background: #aa84; }}
</style>
</head>
<body>
<h1>{0} against {1}</h1>
<p>base: {1}<br>new: {0}</p>
)";

constexpr std::string_view kFoot = R"(<p>Change is that of the time: above 0 the new one is slower.
FASTER and SLOWER: at least {:g} %, and sure at {:g} % over all rows together (Holm). SAME: the whole interval
lies within {:g} %. AMBIGUOUS: the samples cannot tell. MISSING: measured on one side only. BROKEN:
a side has no time.</p>
</body>
</html>
)";

std::string cell_html(const TableCell& cell, const TableColumn& column, std::string_view tag,
                      std::string_view verdict) {
  std::string names = column.align == Align::left ? "left" : "";
  if (column.title == "verdict" && !verdict.empty()) names += " " + std::string(verdict);
  return fmt::format("<{0}{1}>{2}</{0}>", tag,
                     names.empty() ? "" : fmt::format(" class=\"{}\"", names),
                     html_escaped(cell.text));
}

}  // namespace

std::string comparison_page(const Comparison& comparison, const ComparisonTitle& title) {
  const ComparisonTable table = comparison_table(comparison, std::numeric_limits<size_t>::max());
  std::string text = fmt::format(kHead, html_escaped(title.contender), html_escaped(title.base));
  for (const std::string& line : comparison_summary(comparison)) {
    text += fmt::format("<p>{}</p>\n", html_escaped(line));
  }
  text += fmt::format("<p>{}</p>\n<div><table>\n<tr>", html_escaped(table.common));
  for (const TableColumn& column : table.columns) {
    text += cell_html({column.title}, column, "th", "");
  }
  text += "</tr>\n";
  for (const std::vector<TableCell>& row : table.rows) {
    text += "<tr>";
    for (size_t i = 0; i < row.size(); ++i) {
      text += cell_html(row[i], table.columns[i], "td", row[i].text);
    }
    text += "</tr>\n";
  }
  const CompareSettings& settings = comparison.settings;
  return text + "</table></div>\n" +
         fmt::format(kFoot, 100.0 * settings.min_effect, 100.0 * (1.0 - settings.alpha),
                     100.0 * settings.min_effect);
}

}  // namespace attnbench
