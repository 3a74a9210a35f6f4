#include "compare/comparison.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "compare/comparison_json.h"
#include "compare/comparison_page.h"
#include "compare/records.h"
#include "support/catch.h"
#include "support/golden.h"

using namespace attnbench;

namespace {

ComparedRow row_of(const Record& base, const Record& contender, bool is_one_run = true) {
  return compare({{&base, &contender}}, is_one_run, {}).rows.front();
}

// One row of each verdict; the records stay here, since a comparison borrows them.
const std::vector<Record>& one_of_each() {
  static const std::vector<Record> records = {
      in_rounds("old", 1, 8, 1.0), in_rounds("new", 1, 8, 0.9),       in_rounds("old", 2, 8, 1.0),
      in_rounds("new", 2, 8, 1.2), in_rounds("old", 3, 8, 1.0),       in_rounds("new", 3, 8, 1.001),
      in_rounds("old", 4, 2, 1.0), in_rounds("new", 4, 2, 1.04),      in_rounds("old", 5, 8, 1.0),
      in_rounds("old", 6, 8, 1.0), failed("new", 6, Outcome::crashed)};
  return records;
}

Comparison comparison_of_each() {
  const std::vector<Record>& records = one_of_each();
  return compare(same_cases(records, {"old", {}}, records, {"new", {}}), true, {});
}

const ComparisonTitle kTitle{"old of runs/x", "new <b> of runs/x"};

}  // namespace

TEST_CASE("each verdict has its row", "[compare]") {
  const Comparison comparison = comparison_of_each();
  REQUIRE(comparison.rows.size() == 6);
  CHECK(comparison.rows[0].verdict == RowVerdict::faster);
  CHECK(comparison.rows[1].verdict == RowVerdict::slower);
  CHECK(comparison.rows[2].verdict == RowVerdict::same);
  CHECK(comparison.rows[3].verdict == RowVerdict::ambiguous);
  CHECK(comparison.rows[4].verdict == RowVerdict::missing);
  CHECK(comparison.rows[5].verdict == RowVerdict::broken);
  CHECK(comparison.regressions() == 3);  // slower, missing, broken
}

TEST_CASE("a change below the least effect is no news, however sure", "[compare]") {
  const Record base = in_rounds("a", 1, 40, 1.0);
  CHECK(row_of(base, in_rounds("b", 1, 40, 1.005)).verdict == RowVerdict::same);
  CHECK(row_of(base, in_rounds("b", 1, 40, 1.005)).adjusted_p < 1e-6);
  CHECK(row_of(base, in_rounds("b", 1, 40, 1.02)).verdict == RowVerdict::slower);
  CHECK(row_of(base, in_rounds("b", 1, 40, 0.98)).verdict == RowVerdict::faster);
}

TEST_CASE("few rounds hold no news below ten percent, and no sameness either", "[compare]") {
  for (const bool is_one_run : {true, false}) {
    const Record base = in_rounds("a", 1, 4, 1.0);
    CHECK(row_of(base, in_rounds("b", 1, 4, 1.0), is_one_run).verdict == RowVerdict::ambiguous);
    CHECK(row_of(base, in_rounds("b", 1, 4, 1.09), is_one_run).verdict == RowVerdict::ambiguous);
    CHECK(row_of(base, in_rounds("b", 1, 4, 1.15), is_one_run).verdict == RowVerdict::slower);
  }
}

TEST_CASE("rounds pair only within one run", "[compare]") {
  const Record base = in_rounds("a", 1, 8, 1.0);
  const Record contender = in_rounds("b", 1, 8, 1.05);
  CHECK(row_of(base, contender, true).estimate.method == Method::paired);
  CHECK(row_of(base, contender, false).estimate.method == Method::mann_whitney);
  Record alone = contender;
  alone.interleaved = false;
  CHECK(row_of(base, alone, true).estimate.method == Method::mann_whitney);
}

TEST_CASE("ten times as slow is slower in a table of any length", "[compare]") {
  std::vector<Record> records;
  for (int64_t seqlen = 1; seqlen <= 1000; ++seqlen) {
    records.push_back(timed("a", seqlen, {1.0, 1.1, 1.2, 1.05, 1.15, 1.01}));
    records.push_back(timed("b", seqlen, {10.0, 11.0, 12.0, 10.5, 11.5, 10.1}));
  }
  const Comparison comparison =
      compare(same_cases(records, {"a", {}}, records, {"b", {}}), true, {});
  CHECK(comparison.count(RowVerdict::slower) == 1000);
}

TEST_CASE("the geometric mean counts rows that are ok on both sides, and says how many",
          "[compare]") {
  const std::vector<Record> records = {
      in_rounds("a", 1, 8, 1.0), in_rounds("b", 1, 8, 2.0), in_rounds("a", 2, 8, 1.0),
      in_rounds("b", 2, 8, 0.5), in_rounds("a", 3, 8, 1.0), failed("b", 3, Outcome::timed_out)};
  const Comparison comparison =
      compare(same_cases(records, {"a", {}}, records, {"b", {}}), true, {});
  CHECK(comparison.mean.ratio == Approx(1.0));
  CHECK(comparison.mean.n_used == 2);
  CHECK(comparison.mean.n_total == 3);
}

TEST_CASE("what never worked is no regression, what no longer works is one", "[compare]") {
  const Record broken = failed("a", 1, Outcome::unsupported);
  const Record works = in_rounds("a", 1, 8, 1.0);
  CHECK_FALSE(row_of(broken, broken).is_regression());
  CHECK(row_of(broken, broken).verdict == RowVerdict::broken);
  CHECK_FALSE(row_of(broken, works).is_regression());
  CHECK(row_of(works, broken).is_regression());
  CHECK(row_of(works, broken).reason == "ok before, now unsupported");
  const Comparison gone = compare({{&works, nullptr}, {nullptr, &works}}, false, {});
  CHECK(gone.rows[0].is_regression());
  CHECK_FALSE(gone.rows[1].is_regression());
}

TEST_CASE("the table, the page and the JSON tell one story", "[compare]") {
  const Comparison comparison = comparison_of_each();
  check_golden("compare/golden/each.txt", comparison_text(comparison, kTitle, {}));
  check_golden("compare/golden/each.html", comparison_page(comparison, kTitle));
  const Json json = comparison_json(comparison, kTitle);
  CHECK(json["counts"]["SLOWER"] == 1);
  CHECK(json["regressions"] == 3);
  CHECK(json["rows"][1]["ratio"].get<double>() == Approx(1.2).epsilon(1e-3));
  CHECK(json["rows"][1]["method"] == "paired");
  CHECK(json["rows"][4]["new"].is_null());
  CHECK_FALSE(json["rows"][5].contains("ratio"));
  CHECK(json["geometric_mean"]["n_used"] == 4);
}

TEST_CASE("a name that looks like markup stays text on the page", "[compare]") {
  const std::string page = comparison_page(comparison_of_each(), kTitle);
  CHECK(page.find("new <b>") == std::string::npos);
  CHECK(page.find("new &lt;b&gt;") != std::string::npos);
}

TEST_CASE("a table too long for a terminal begins with the regressions", "[compare]") {
  std::vector<Record> records;
  for (int64_t seqlen = 1; seqlen <= 300; ++seqlen) {
    records.push_back(in_rounds("a", seqlen, 8, 1.0));
    records.push_back(in_rounds("b", seqlen, 8, seqlen == 299 ? 1.5 : 1.0));
  }
  const Comparison comparison =
      compare(same_cases(records, {"a", {}}, records, {"b", {}}), true, {});
  const ComparisonTable table = comparison_table(comparison, 10);
  REQUIRE(table.rows.size() == 10);
  CHECK(table.rows[0][0].text == "299");
  CHECK(comparison_text(comparison, kTitle, {}).find("... and 100 more rows") != std::string::npos);
}
