#include "report/csv.h"

#include "base/text.h"
#include "report/figures.h"
#include "support/catch.h"
#include "support/golden.h"

namespace attnbench {

TEST_CASE("a plot's CSV is what triton.testing writes, sentinels for failures", "[report]") {
  const std::vector<Record> records = seed_records();
  CHECK(seed_csv(seed_figure(records), Sentinels{}) ==
        "seqlen,Triton-BlockPtr,Triton-PtrBlock,Jax\n"
        "1024.000000,0.310000,0.500000,300.000000\n"
        "2048.000000,1.234568,100.000000,\n");
}

TEST_CASE("a trial that the run did not reach has the sentinel of not_run", "[report]") {
  const std::vector<Record> records = seed_records();
  Figure figure = seed_figure(records);
  figure.lines.resize(1);
  figure.lines[0].points[1] = FigurePoint{true, nullptr, 0.0, {}};
  CHECK(seed_csv(figure, {7.0, 9.0}) ==
        "seqlen,Triton-BlockPtr\n1024.000000,0.310000\n2048.000000,9.000000\n");
}

TEST_CASE("an overlay has no column in a plot's CSV", "[report]") {
  const std::vector<Record> records = seed_records();
  Figure figure = seed_figure(records);
  figure.lines[1].is_overlay = true;
  CHECK(seed_csv(figure, Sentinels{})
            .starts_with("seqlen,Triton-BlockPtr,Jax\n1024.000000,0.310000,300"));
}

TEST_CASE("an overlay of a sweep is a line of its figures, and no column", "[report]") {
  Sweep sweep = hostile_sweep();
  sweep.lines.back().is_overlay = true;
  const Plan plan = expand(sweep, {}, {"cpu"});
  const std::vector<Record> records = records_of(plan, 100);
  int figures = 0;
  for_each_figure(plan, records, [&](const Figure& figure) {
    ++figures;
    REQUIRE(figure.lines.size() == sweep.lines.size());
    Figure without = figure;
    without.lines.pop_back();
    CHECK(seed_csv(figure, Sentinels{}) == seed_csv(without, Sentinels{}));
  });
  CHECK(figures == 1);
}

TEST_CASE("an x that is no number is written as its label", "[report]") {
  const std::vector<Record> records = seed_records();
  Figure figure = seed_figure(records);
  figure.is_x_number = false;
  figure.x_labels = {"fp16", "a,b"};
  CHECK(seed_csv(figure, Sentinels{}).find("\nfp16,0.3") != std::string::npos);
  CHECK(seed_csv(figure, Sentinels{}).find("\n\"a,b\",1.2") != std::string::npos);
}

TEST_CASE("a CSV cell is never a formula, and quoted where RFC 4180 asks for it", "[report]") {
  CHECK(csv_cell("plain") == "plain");
  CHECK(csv_cell("a,b") == "\"a,b\"");
  CHECK(csv_cell("say \"hi\"") == "\"say \"\"hi\"\"\"");
  CHECK(csv_cell("two\r\nlines") == "two  lines");
  CHECK(csv_cell("=1+1") == "'=1+1");
  CHECK(csv_cell("+1") == "'+1");
  CHECK(csv_cell("-1") == "'-1");
  CHECK(csv_cell("@x,y") == "\"'@x,y\"");
  CHECK(csv_cell("") == "");
}

TEST_CASE("summary.csv has a row for each trial under the keys of the record", "[report]") {
  check_golden("report/golden/summary.csv", trials_csv(mixed_records(), Sentinels{}));
}

TEST_CASE("a hostile message stays in its cell", "[report]") {
  const std::vector<Record> records = seed_records();
  const std::string text = trials_csv(records, Sentinels{});
  CHECK(split(text, '\n').size() == records.size() + 2);  // the header, and behind the last "\n"
  CHECK(text.find(",\"'=1+`touch pwned` @m $(x) \"\"q' <script>") != std::string::npos);
}

}  // namespace attnbench
