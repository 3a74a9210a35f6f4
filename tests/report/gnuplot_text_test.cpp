#include "report/gnuplot_text.h"

#include "report/figures.h"
#include "support/catch.h"
#include "support/golden.h"

namespace attnbench {
namespace {

PlotSpec spec() {
  PlotSpec spec;
  spec.x = spec.x_label = "seqlen";
  spec.y_label = "MS";
  return spec;
}

bool has(const std::string& text, const std::string& part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a figure becomes commands with gaps and marks where trials failed", "[report]") {
  const std::vector<Record> records = seed_records();
  check_golden("report/golden/figure.gnuplot",
               gnuplot_preamble(spec()) + gnuplot_commands(seed_figure(records), spec()));
}

TEST_CASE("no number of a drawn figure is a sentinel", "[report]") {
  const std::vector<Record> records = seed_records();
  const std::string text = gnuplot_commands(seed_figure(records), spec());
  CHECK_FALSE(has(text, " 100 "));
  CHECK_FALSE(has(text, " 300 "));
  CHECK(has(text, "2048 NaN NaN NaN 0.97"));
}

TEST_CASE("to gnuplot a text is letters and octal escapes", "[report]") {
  CHECK(gnuplot_string("a b-1.5=x/") == "\"a b-1.5=x/\"");
  CHECK(gnuplot_string("`@\"'\\%é") == R"("\140\100\042\047\134\045\303\251")");
  const std::string text = gnuplot_string(kHostile);
  CHECK(text.find_first_of("`@'$%|{}<>#;!()\n") == std::string::npos);
  CHECK(text.find('"', 1) == text.size() - 1);
}

TEST_CASE("the sweep's colours are those that matplotlib shows, an unknown one is ours",
          "[report]") {
  const std::vector<Record> records = seed_records();
  Figure figure = seed_figure(records);
  figure.lines[2].color = "blurple";
  const std::string text = gnuplot_commands(figure, spec());
  CHECK(has(text, "lc rgb \"#008000\" dt 1"));
  CHECK(has(text, "lc rgb \"#0000ff\" dt 4"));
  CHECK(has(text, "lc rgb \"#009e73\" dt 3"));
}

TEST_CASE("a logarithmic axis needs numbers above 0", "[report]") {
  const std::vector<Record> records = seed_records();
  PlotSpec logarithmic = spec();
  logarithmic.is_x_log = logarithmic.is_y_log = true;
  Figure figure = seed_figure(records);
  CHECK(has(gnuplot_commands(figure, logarithmic), "\nset logscale x\nset logscale y\n"));
  figure.x_values[0] = 0.0;
  figure.lines[0].points[0].ci_ms.low = 0.0;
  CHECK(has(gnuplot_commands(figure, logarithmic), "\nunset logscale x\nunset logscale y\n"));
}

TEST_CASE("labels that would touch each other are left out", "[report]") {
  const std::vector<Record> records = seed_records();
  Figure figure = seed_figure(records);
  figure.lines.clear();
  figure.x_values = {1.0, 2.0, 1000.0};
  figure.x_labels = {"one", "two", "100%"};
  CHECK(has(gnuplot_commands(figure, spec()), R"(set xtics ("one" 1, "" 2, "100\045\045" 1000))"));
}

}  // namespace attnbench
