#include "store/merge.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "store/run_directory.h"

namespace attnbench {
namespace {

void require_alike(const std::vector<RunPiece>& pieces, std::vector<std::string>* notes) {
  const auto conditions = [](const RunPiece& piece) {
    const std::string file = piece.name + "/" + kRunFile;
    return conditions_of(parse_json(piece.run_json, file), piece.records.records(), file);
  };
  const RunConditions first = conditions(pieces.front());
  for (size_t i = 1; i < pieces.size(); ++i) {
    for (const ConditionDifference& difference : differences(first, conditions(pieces[i]))) {
      const std::string text = fmt::format("{} and {} do not belong together: {}",
                                           pieces.front().name, pieces[i].name, difference.text);
      if (difference.is_grave) {
        throw Error(text, "keep them apart; `attnbench compare` shows them side by side");
      }
      notes->push_back(
          fmt::format("{}, {}: {}", pieces.front().name, pieces[i].name, difference.text));
    }
  }
}

// Of two records of one trial: the one with a time, else the later.
bool is_better(const Record& now, const Record& before) {
  if (now.is_ok() != before.is_ok()) return now.is_ok();
  return now.started_utc > before.started_utc;
}

struct Placed {
  Record record;
  size_t piece = 0;
};

std::vector<Placed> records_of(const std::vector<RunPiece>& pieces,
                               std::vector<std::string>* notes) {
  std::vector<Placed> all;
  std::unordered_map<std::string, size_t> place;
  size_t repeated = 0;
  for (size_t piece = 0; piece < pieces.size(); ++piece) {
    for (const Record& record : pieces[piece].records.records()) {
      const auto [found, is_new] = place.try_emplace(record.trial_id, all.size());
      if (is_new) {
        all.push_back({record, piece});
        continue;
      }
      ++repeated;
      Placed& before = all[found->second];
      if (is_better(record, before.record)) before = {record, piece};
    }
  }
  if (repeated > 0) {
    notes->push_back(fmt::format(
        "{} trials are in more than one piece; of each, one record with a time counts, of several "
        "the latest",
        repeated));
  }
  return all;
}

// Rounds of two pieces are not the same rounds.
void part_rounds(std::vector<Placed>* all) {
  std::map<std::string, std::set<size_t>> pieces_of_case;
  for (const Placed& placed : *all) {
    const Trial& trial = placed.record.trial;
    pieces_of_case[case_id(trial.problem, trial.device)].insert(placed.piece);
  }
  for (Placed& placed : *all) {
    const Trial& trial = placed.record.trial;
    if (pieces_of_case[case_id(trial.problem, trial.device)].size() > 1) {
      placed.record.interleaved = false;
    }
  }
}

// Adds what `list` has and `all` lacks; the entry that was opened or named tells more.
void unite(Json* all, const Json& list, const char* key, const char* telling) {
  for (const Json& entry : list) {
    Json* known = nullptr;
    for (Json& other : *all) {
      if (other.value(key, "") == entry.value(key, "")) known = &other;
    }
    if (known == nullptr) {
      all->push_back(entry);
    } else if (!known->contains(telling)) {
      *known = entry;
    }
  }
}

Json merged_document(const std::vector<RunPiece>& pieces) {
  Json run = parse_json(pieces.front().run_json, pieces.front().name);
  // These are a piece's own, and stand there.
  for (const char* key : {"argv", "secret_seed", "resumed", "harness", "finished_utc"}) {
    run.erase(key);
  }
  Json sources = Json::array();
  for (const RunPiece& piece : pieces) {
    Json source = parse_json(piece.run_json, piece.name);
    unite(&run["devices"], source.value("devices", Json::array()), "device", "opened");
    unite(&run["providers"], source.value("providers", Json::array()), "id", "id");
    source["directory"] = piece.name;
    sources.push_back(std::move(source));
  }
  run["pieces"] = std::move(sources);
  return run;
}

}  // namespace

MergedRun merge_pieces(std::vector<RunPiece> pieces) {
  MergedRun merged;
  require_alike(pieces, &merged.notes);
  std::vector<Placed> all = records_of(pieces, &merged.notes);
  part_rounds(&all);
  for (Placed& placed : all) merged.records.push_back(std::move(placed.record));
  merged.run_json = dump_json(merged_document(pieces));
  return merged;
}

}  // namespace attnbench
