// Does `attnbench compare` cry wolf, and does it see a real one? Takes runs in which each case
// holds the same kernel under several names, judges every two neighbours as a comparison of one
// row, then again with one side made slower by a factor. Prints a table; docs/comparing.md shows
// one.
#include <fmt/format.h>

#include <cstdlib>
#include <iostream>
#include <map>

#include "base/error.h"
#include "compare/comparison.h"
#include "store/run_directory.h"

namespace attnbench {
namespace {

// Whatever names they have, the provider runs the same code with the same blocks.
bool are_one_kernel(const Record& one, const Record& other) {
  return one.provider_sha256 == other.provider_sha256 && one.plan && other.plan &&
         one.plan->resolved_options == other.plan->resolved_options;
}

// Every two lines of a case. Four lines are six pairs; they share records, so a thousand pairs are
// worth fewer, but none is left out that might cry wolf.
std::vector<TrialPair> pairs_of(const std::vector<Record>& records) {
  std::map<std::string, std::vector<const Record*>> cases;
  std::vector<TrialPair> pairs;
  for (const Record& record : records) {
    if (!record.is_ok()) continue;
    std::vector<const Record*>& before = cases[case_id(record.trial.problem, record.trial.device)];
    for (const Record* other : before) {
      if (!are_one_kernel(record, *other)) continue;
      // By turns, so that neither is always the base.
      const bool is_swapped = pairs.size() % 2 == 1;
      pairs.push_back(is_swapped ? TrialPair{&record, other} : TrialPair{other, &record});
    }
    before.push_back(&record);
  }
  return pairs;
}

void print_row(const std::vector<TrialPair>& pairs, double slowdown, bool is_one_run) {
  std::map<RowVerdict, size_t> counts;
  for (const TrialPair& pair : pairs) {
    Record slowed = *pair.contender;
    for (double& sample : slowed.samples_ms) sample *= slowdown;
    ++counts[compare({{pair.base, &slowed}}, is_one_run, {}).rows.front().verdict];
  }
  const auto part = [&](RowVerdict verdict) {
    return 100.0 * static_cast<double>(counts[verdict]) / static_cast<double>(pairs.size());
  };
  std::cout << fmt::format("| {} | {:.1f} % | {} | {:.1f} % | {:.1f} % | {:.1f} % | {:.1f} % |\n",
                           is_one_run ? "by rounds" : "as two runs", 100.0 * (slowdown - 1.0),
                           pairs.size(), part(RowVerdict::faster), part(RowVerdict::slower),
                           part(RowVerdict::same), part(RowVerdict::ambiguous));
}

int prove(const std::vector<std::string>& directories) {
  std::vector<RecordSet> runs;
  std::vector<TrialPair> pairs;
  for (const std::string& directory : directories) {
    runs.push_back(read_records(std::filesystem::path(directory) / kResultsFile));
  }
  for (const RecordSet& run : runs) {
    for (const TrialPair& pair : pairs_of(run.records())) pairs.push_back(pair);
  }
  if (pairs.empty()) throw Error("no case has two lines that are ok");
  std::cout << "| judged | slowed by | pairs | FASTER | SLOWER | SAME | AMBIGUOUS |\n"
               "|---|---|---|---|---|---|---|\n";
  for (const bool is_one_run : {true, false}) {
    for (const double slowdown : {1.0, 1.01, 1.02, 1.03, 1.05, 1.20}) {
      print_row(pairs, slowdown, is_one_run);
    }
  }
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace attnbench

int main(int argc, char** argv) {
  try {
    return attnbench::prove({argv + 1, argv + argc});
  } catch (const attnbench::Error& error) {
    std::cerr << "compare_proof: " << error.line() << "\n";
    return EXIT_FAILURE;
  }
}
