// `attnbench merge`: pieces of one plan, measured apart, as one run.
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "base/hash.h"
#include "cli/run_document.h"
#include "cli/verbs.h"
#include "store/merge.h"
#include "store/run_directory.h"
#include "sweep/parse.h"

namespace attnbench {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxListed = 20;

struct Pieces {
  std::vector<RunPiece> runs;
  Sweep sweep;  // that they are pieces of
};

std::string without_filters(Sweep sweep) {
  sweep.filters.clear();
  return to_toml(sweep);
}

// Filters are what cuts a plan into pieces: those that not all have go.
void keep_common_filters(std::vector<std::string>* filters, const Sweep& other) {
  std::erase_if(*filters, [&other](const std::string& filter) {
    return std::count(other.filters.begin(), other.filters.end(), filter) == 0;
  });
}

Pieces read_pieces(const std::vector<fs::path>& directories) {
  Pieces pieces;
  for (const fs::path& directory : directories) {
    const Json run = read_run(directory);
    const Sweep sweep = sweep_of(run, (directory / kRunFile).string());
    if (pieces.runs.empty()) pieces.sweep = sweep;
    if (without_filters(sweep) != without_filters(pieces.sweep)) {
      throw Error(fmt::format("{} is of another plan than {}: their sweeps differ in more than "
                              "filters",
                              directory.string(), pieces.runs.front().name),
                  "cut a plan with `--filter` only, and leave -a, --providers, --effort and --seed "
                  "the same; `attnbench compare` shows different plans side by side");
    }
    keep_common_filters(&pieces.sweep.filters, sweep);
    RecordSet records = read_records(directory / kResultsFile);
    for (const std::string& warning : records.warnings()) {
      std::cerr << "attnbench: warning: " << warning << "\n";
    }
    pieces.runs.push_back({directory.string(), dump_json(run), std::move(records)});
  }
  return pieces;
}

struct Missing {
  size_t planned = 0;
  std::vector<Trial> trials;
};

Missing find_missing(const Plan& plan, const std::vector<Record>& records) {
  std::set<std::string> measured;
  for (const Record& record : records) measured.insert(record.trial_id);
  Missing missing;
  plan.for_each_trial([&](const Trial& trial, int64_t) {
    ++missing.planned;
    if (measured.count(trial_id(trial)) == 0) missing.trials.push_back(trial);
    return true;
  });
  return missing;
}

void list_missing(const Missing& missing, const fs::path& out) {
  if (missing.trials.empty()) return;
  std::cout << fmt::format("{} of {} trials are missing:\n", missing.trials.size(),
                           missing.planned);
  for (size_t i = 0; i < std::min(missing.trials.size(), kMaxListed); ++i) {
    const Trial& trial = missing.trials[i];
    std::cout << fmt::format("  {} {} {} {} on {}\n", trial_id(trial), printable(trial.provider),
                             to_text(trial.problem), printable(to_text(trial.options)),
                             trial.device);
  }
  if (missing.trials.size() > kMaxListed) {
    std::cout << fmt::format("  ... and {} more\n", missing.trials.size() - kMaxListed);
  }
  std::cout << fmt::format("`attnbench run --resume {}` measures them\n", out.string());
}

}  // namespace

int verb_merge(const MergeArguments& arguments) {
  Pieces pieces = read_pieces(arguments.runs);
  const MergedRun merged = merge_pieces(std::move(pieces.runs));
  for (const std::string& note : merged.notes) std::cerr << "note: " << note << "\n";

  Json run = parse_json(merged.run_json, "the merged run");
  const std::string toml = to_toml(pieces.sweep);
  run["sweep"]["toml"] = toml;
  run["sweep"]["sha256"] = sha256_of_text(toml);
  const Plan plan = plan_of(run, "the merged run");
  const PlanCounts& counts = plan.counts();
  run["plan"] = {{"plots", counts.plots},
                 {"points", counts.points},
                 {"trials", counts.trials},
                 {"cases", counts.cases},
                 {"notes", plan.notes()}};
  const Missing missing = find_missing(plan, merged.records);
  run["status"] = missing.trials.empty() ? "finished" : "stopped";

  RunDirectory directory = RunDirectory::create(arguments.out);
  directory.write_run(run);
  for (const Record& record : merged.records) directory.append(record, pieces.sweep.sentinels);
  std::cout << fmt::format("{} of {} trials in {}\n", merged.records.size(), missing.planned,
                           arguments.out.string());
  list_missing(missing, arguments.out);
  return kExitOk;
}

}  // namespace attnbench
