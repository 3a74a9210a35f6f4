// make_run KIND DIRECTORY: a run directory that nothing was measured for, so that the page can be
// tested with the largest grid and the worst names. SYNTHETIC: every number comes from a formula
// below, and run.json says so in its warnings, which the page shows.
//   grid     the seed's 14,580 points, with failures, crossovers and 80 samples a trial
//   hostile  one plot whose every name and message would like to be a script
#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "model/provider_info.h"
#include "model/work.h"
#include "report/figures.h"
#include "store/run_directory.h"
#include "sweep/expand.h"
#include "sweep/parse.h"

namespace attnbench {
namespace {

constexpr const char* kWarning = "SYNTHETIC: nothing was measured; the numbers come from a formula";

ProviderInfo provider(const std::string& id, bool has_blocks) {
  ProviderInfo info;
  info.id = info.name = id;
  info.path = "/synthetic/" + id + ".provider.so";
  info.sha256 = sha256_of_text(id);
  info.version = "0.synthetic";
  info.device_types = {"cuda"};
  info.usable = {{"cuda:0", 50, ""}};
  for (const char* name : {"block_q", "block_k"}) {
    if (!has_blocks) continue;
    info.options.push_back({name, "", "int", {}, 16, 256, int64_t{64}, true});
  }
  return info;
}

double share(const std::string& key) {
  return static_cast<double>(hash_bytes(std::as_bytes(std::span(key))) >> 11) * 0x1p-53;
}

// TFLOP/s: the unfused baseline wins at short lengths, up to a length that grows with head_dim;
// blocks of 128 x 64 suit best; at head_dim 128 the two flash designs are alike.
double rate(const Trial& trial) {
  const double seqlen = static_cast<double>(trial.problem.seqlen_q);
  const double head_dim = static_cast<double>(trial.problem.head_dim);
  if (trial.provider == "unfused_sdpa") return 210.0 / (1.0 + seqlen / (20.0 * head_dim));
  const auto distance = [&](const char* name, double best) {
    const double size = static_cast<double>(std::get<int64_t>(trial.options.at(name)));
    return std::abs(std::log2(size / best));
  };
  const double lead = trial.provider == "ptr_block" ? 0.0 : (head_dim == 128.0 ? 0.0 : 80.0);
  return (340.0 + lead) * seqlen / (seqlen + 2600.0) /
         (1.0 + 0.25 * distance("block_q", 128.0) + 0.3 * distance("block_k", 64.0));
}

void fail_where_it_would(Record* record) {
  const Problem& problem = record->trial.problem;
  const Options& options = record->trial.options;
  const auto block = [&](const char* name) {
    return options.contains(name) ? std::get<int64_t>(options.at(name)) : 0;
  };
  const int64_t bytes = 2 * problem.head_dim * (block("block_q") + 4 * block("block_k"));
  if (bytes > 232448) {
    record->outcome = Outcome::resource_exhausted;
    record->detail = "shared-memory";
    record->message = fmt::format("needs {} B of shared memory, device offers 232448 B", bytes);
  } else if (record->trial.provider == "unfused_sdpa" &&
             problem.batch * problem.heads * problem.seqlen_q >= 4 * 32 * 6144) {
    record->outcome = Outcome::out_of_memory;
    record->message = "needs 96.0 GiB for the scores, 79.1 GiB are free";
  }
}

Record synthetic_record(const Trial& trial) {
  Record record;
  record.trial = trial;
  record.trial_id = trial_id(trial);
  record.outcome = Outcome::ok;
  record.started_utc = "2026-01-01T00:00:00Z";
  record.peak_tflops = 989.4;
  fail_where_it_would(&record);
  if (!record.is_ok()) return record;
  const double ms = flops(trial.problem) / rate(trial) * 1e-9;
  for (int i = 0; i < 80; ++i) {
    const double noise = share(record.trial_id + std::to_string(i));
    record.samples_ms.push_back(ms * (1.0 + 0.01 * noise + (noise > 0.97 ? 0.05 : 0.0)));
    record.sample_rounds.push_back(i / 20);
  }
  record.stop_reason = "converged";
  record.errors = {{"o", 4.9e-4, 2.2e-3, 192}};
  Json state = Json::array();
  for (int round = 0; round < 4; ++round) {
    const double clock = 1400.0 + std::round(300.0 * share(record.trial_id + "c")) - 15.0 * round;
    state.push_back({{"sm_clock_mhz", clock},
                     {"sm_clock_min_mhz", clock - 30.0},
                     {"power_w", 690.0 + round},
                     {"temperature_c", 60 + round},
                     {"throttle_reasons", {"sw_power_cap"}},
                     {"regime", "steady"}});
  }
  record.state_json = dump_json(state);
  return record;
}

void write_run(const Sweep& sweep, const std::vector<ProviderInfo>& providers,
               const std::string& directory) {
  const Plan plan = expand(sweep, providers, {"cpu", "cuda:0"});
  RunDirectory run = RunDirectory::create(directory);
  Json known = Json::array();
  for (const ProviderInfo& info : providers) known.push_back(to_json(info));
  const std::string toml = to_toml(sweep);
  run.write_run({{"format", 1},
                 {"status", "finished"},
                 {"started_utc", "2026-01-01T00:00:00Z"},
                 {"argv", {"make_run", "synthetic"}},
                 {"sweep", {{"name", sweep.name}, {"file", sweep.file}, {"toml", toml}}},
                 {"plan",
                  {{"plots", plan.counts().plots},
                   {"points", plan.counts().points},
                   {"trials", plan.counts().trials},
                   {"notes", Json::array()}}},
                 {"measure", to_json(sweep.measure)},
                 {"providers", known},
                 {"devices", Json::array({{{"device", "cpu"}, {"name", "a synthetic CPU"}},
                                          {{"device", "cuda:0"}, {"name", "a synthetic GPU"}}})},
                 {"warnings", {kWarning}}});
  // Not through append(), which syncs the disk after each of ten thousand.
  std::string lines;
  const bool is_hostile = sweep.name == kHostile;
  plan.for_each_trial([&](const Trial& trial, int64_t) {
    Record record = is_hostile ? Record{} : synthetic_record(trial);
    if (is_hostile) {
      record.trial = trial;
      record.trial_id = trial_id(trial);
      record.outcome = trial.provider == "cpu_flash" ? Outcome::crashed : Outcome::ok;
      if (record.is_ok()) record.samples_ms = {1.0, 1.5, 2.0};
      record.detail = record.message = record.stop_reason =
          kHostile + "</script><img src=x onerror=alert(1)>";
      record.warnings = {record.message};
    }
    lines += dump_json(to_json(record, sweep.sentinels)) + "\n";
    return true;
  });
  replace_file(run.path() / kResultsFile, lines);
}

int run_main(const std::string& kind, const std::string& directory) {
  if (kind == "grid") {
    const std::string file = std::string(ATTNBENCH_SOURCE_DIR) + "/sweeps/mha_full.toml";
    write_run(
        parse_sweep(read_file(file), "mha_full.toml"),
        {provider("block_ptr", true), provider("ptr_block", true), provider("unfused_sdpa", false)},
        directory);
    return 0;
  }
  Sweep sweep = hostile_sweep();
  ProviderInfo info = provider("cpu_reference", false);
  info.device_types = {"cpu"};
  info.usable = {{"cpu", 50, ""}};
  info.description = info.version = kHostile + "</script><script>alert(2)</script>";
  write_run(sweep, {info}, directory);
  return 0;
}

}  // namespace
}  // namespace attnbench

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: make_run grid|hostile DIRECTORY\n", stderr);
    return 2;
  }
  try {
    return attnbench::run_main(argv[1], argv[2]);
  } catch (const attnbench::Error& error) {
    std::fprintf(stderr, "make_run: %s\n", error.line().c_str());
    return 1;
  }
}
