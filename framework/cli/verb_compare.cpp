// `attnbench compare`: two runs, or two providers of one, row by row.
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/run_document.h"
#include "cli/verbs.h"
#include "compare/comparison_json.h"
#include "compare/comparison_page.h"
#include "report/plan_order.h"
#include "store/conditions.h"
#include "store/run_directory.h"

namespace attnbench {
namespace {

namespace fs = std::filesystem;

void warn(const std::string& text) {
  std::cerr << "attnbench: warning: " << text << "\n";
}

struct Side {
  std::string name;
  std::vector<Record> records;
  RunConditions conditions;
};

Side read_side(const fs::path& directory) {
  const std::string run_file = (directory / kRunFile).string();
  const Json run = read_run(directory);
  const RecordSet set = read_records(directory / kResultsFile);
  for (const std::string& warning : set.warnings()) warn(warning);
  std::vector<Record> records = in_plan_order(plan_of(run, run_file), set.records());
  RunConditions conditions = conditions_of(run, records, run_file);
  return {directory.string(), std::move(records), std::move(conditions)};
}

void require_alike(const Side& base, const Side& contender, bool is_anyway) {
  for (const ConditionDifference& difference : differences(base.conditions, contender.conditions)) {
    const std::string text =
        fmt::format("{} against {}: {}", base.name, contender.name, difference.text);
    if (difference.is_grave && !is_anyway) {
      throw Error(text, "the times are of different things; --anyway compares them all the same");
    }
    warn(text);
  }
}

LineName known_line(const Side& side, const std::string& text) {
  const LineName name = line_name_from_text(text);
  std::set<std::string> providers;
  for (const Record& record : side.records) {
    if (name.holds(record.trial)) return name;
    providers.insert(record.trial.provider);
  }
  if (providers.count(name.provider) > 0) {
    throw Error(fmt::format("{} has no trial of {}", side.name, to_text(name)),
                "`attnbench report RUN --md` shows the options of its trials");
  }
  throw Error(fmt::format("{} has no trial of provider \"{}\"", side.name, name.provider),
              suggest(name.provider, {providers.begin(), providers.end()}));
}

void keep_line(Side* side, const LineName& name) {
  std::erase_if(side->records, [&](const Record& record) { return !name.holds(record.trial); });
}

}  // namespace

int verb_compare(const CompareArguments& arguments, const Environment& environment) {
  const bool is_one_run = arguments.runs.size() == 1;
  Side base = read_side(arguments.runs.front());
  Side other = is_one_run ? Side{} : read_side(arguments.runs.back());
  const Side& contender = is_one_run ? base : other;
  if (!is_one_run) require_alike(base, other, arguments.is_anyway);

  ComparisonTitle title{base.name, contender.name};
  std::vector<TrialPair> pairs;
  if (arguments.providers.size() == 2) {
    const LineName base_line = known_line(base, arguments.providers.front());
    const LineName contender_line = known_line(contender, arguments.providers.back());
    pairs = same_cases(base.records, base_line, contender.records, contender_line);
    title = {fmt::format("{} of {}", to_text(base_line), base.name),
             fmt::format("{} of {}", to_text(contender_line), contender.name)};
  } else {
    if (!arguments.providers.empty()) {
      const LineName line = known_line(base, arguments.providers.front());
      keep_line(&base, line);
      keep_line(&other, line);
    }
    pairs = same_trials(base.records, other.records);
  }

  CompareSettings settings;
  settings.min_effect = arguments.min_effect_percent / 100.0;
  const Comparison comparison = compare(pairs, is_one_run, settings);
  std::cout << comparison_text(comparison, title, environment.output);
  if (!arguments.json_file.empty()) {
    replace_file(
        arguments.json_file,
        comparison_json(comparison, title).dump(2, ' ', false, Json::error_handler_t::replace) +
            "\n");
  }
  if (!arguments.html_file.empty()) {
    replace_file(arguments.html_file, comparison_page(comparison, title));
  }
  const size_t regressions = comparison.regressions();
  if (!arguments.fails_on_regression || regressions == 0) return kExitOk;
  std::cerr << fmt::format("attnbench: {} of {} rows are regressions\n", regressions,
                           comparison.rows.size());
  return kExitRegression;
}

}  // namespace attnbench
