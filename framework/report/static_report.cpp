#include "report/static_report.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "base/error.h"
#include "report/csv.h"
#include "report/figure.h"
#include "report/gnuplot_text.h"
#include "report/page.h"
#include "report/results_page.h"
#include "store/run_directory.h"

namespace attnbench {
namespace {

namespace fs = std::filesystem;

// Without the fsync of base/file.h: a thousand of them take minutes on a disk, and whatever a power
// cut takes from a report can be made again.
void write_text(const fs::path& path, const std::string& text) {
  std::ofstream stream(path, std::ios::binary | std::ios::trunc);
  stream << text;
  stream.close();
  if (!stream) {
    throw Error(fmt::format("cannot write {}: {}", path.string(), std::strerror(errno)),
                "the records are unharmed; `attnbench report` writes the report again");
  }
}

fs::path made_directory(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) {
    throw Error(fmt::format("cannot make the directory {}: {}", path.string(), error.message()));
  }
  return path;
}

std::string draw(const Gnuplot& gnuplot, const fs::path& directory) {
  if (gnuplot.executable.empty()) {
    return "no pictures, since gnuplot is not installed -- `apt-get install gnuplot-nox`, then "
           "`attnbench report`";
  }
  const std::optional<std::string> trouble = run_gnuplot(gnuplot, directory, kScriptFile);
  return trouble ? "pictures are missing: " + *trouble : "";
}

}  // namespace

StaticReport write_static_report(const Json& run, const Plan& plan,
                                 const std::vector<Record>& records, const fs::path& run_directory,
                                 const Gnuplot& gnuplot) {
  const Sweep& sweep = plan.sweep();
  const fs::path directory = made_directory(run_directory / kReportFolder);
  write_text(run_directory / kSummaryFile, trials_csv(records, sweep.sentinels));

  StaticReport report{0, directory / kPageFile, ""};
  const bool has_gnuplot = !gnuplot.executable.empty();
  std::string script = gnuplot_preamble(sweep.plot);
  std::string pictures = results_page_begin(sweep, static_cast<size_t>(plan.counts().plots));
  for_each_figure(plan, records, [&](const Figure& figure) {
    write_text(directory / (figure.name + ".csv"), seed_csv(figure, sweep.sentinels));
    script += gnuplot_commands(figure, sweep.plot);
    pictures += results_page_figure(figure, sweep.plot, has_gnuplot);
    ++report.plots;
  });
  write_text(directory / kPicturesFile, pictures + results_page_end());
  write_text(report.page, page_html(sweep.name, page_data(run, plan, records)));
  write_text(directory / kScriptFile, script + "\nunset output\n");
  report.warning = draw(gnuplot, directory);
  return report;
}

}  // namespace attnbench
