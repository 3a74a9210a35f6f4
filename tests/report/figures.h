// Figures and plans for the report's tests, with the most hostile names that a sweep lets through.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "report/figure.h"
#include "report/records.h"
#include "sweep/parse.h"

namespace attnbench {

// A bit of everything that ends a string, starts a command or is a formula somewhere.
inline const std::string kHostile =
    "=1+`touch pwned` @m $(x) \"q' <script>alert(1)</script> %s 100% _a^b {c} | \\\\ ,;#é\n!";

// Three lines as the seed draws them: one complete, one with a failure, one with nothing but.
// Borrows the records: they must live as long.
inline Figure seed_figure(const std::vector<Record>& records) {
  Figure figure{
      "batch_size=1-bias=True-mode=fwd", "seqlen", {"1024", "2048"}, true, {1024.0, 2048.0}, {}};
  figure.lines = {{"Triton-BlockPtr", "green", "solid", {}},
                  {"Triton-PtrBlock", "blue", "dashdot", {}},
                  {"Jax", "", "dotted", {}}};
  const auto ok = [&](size_t record) {
    const Summary summary = summarise(records[record].samples_ms);
    return FigurePoint{true, &records[record], summary.median, summary.ci};
  };
  const auto failed = [&](size_t record) { return FigurePoint{true, &records[record], 0.0, {}}; };
  figure.lines[0].points = {ok(0), ok(1)};
  figure.lines[1].points = {ok(2), failed(3)};
  figure.lines[2].points = {failed(4), FigurePoint{}};
  return figure;
}

inline std::vector<Record> seed_records() {
  return {ok_record("block_ptr", 1024, {0.30, 0.31, 0.31, 0.31, 0.31, 0.31, 0.35}),
          ok_record("block_ptr", 2048, {1.2345678}),
          ok_record("ptr_block", 1024, {0.5, 0.5, 0.5, 0.5, 0.5, 0.5}),
          failed_record("ptr_block", 2048, Outcome::resource_exhausted, "shared-memory",
                        "needs 294912 B of shared memory, device offers 232448 B"),
          failed_record("unfused_sdpa", 1024, Outcome::load_failed, "", kHostile)};
}

// A sweep of one plot and two points whose every text is hostile.
inline Sweep hostile_sweep() {
  Sweep sweep = parse_sweep(R"(
[problem]
mode = "fwd"
heads = 8
head_dim = 64
batch = 1
dtype = "fp16"
[[axis]]
name = "seqlen"
values = [128, 1024]
[[provider]]
id = "cpu_reference"
[[provider]]
id = "cpu_flash"
[plot]
x = "seqlen"
name = "x"
)",
                            "hostile.toml");
  // No file name may hold a slash or a line break; all else it may.
  sweep.plot.name_template = "|touch pwned; `touch pwned` $(touch pwned) \"'<b>%d&#?@~=é";
  sweep.plot.x_label = sweep.plot.y_label = sweep.name = sweep.description = kHostile;
  for (Line& line : sweep.lines) line.label = kHostile + line.id;
  for (Row& row : sweep.axes.front().rows) row.cells.front().label = kHostile;
  return sweep;
}

// Records for every trial of the plan: medians that grow with the length, every `failure_every`th
// trial failed.
inline std::vector<Record> records_of(const Plan& plan, size_t failure_every) {
  std::vector<Record> records;
  plan.for_each_trial([&](const Trial& trial, int64_t) {
    const double ms = 0.01 * static_cast<double>(trial.problem.seqlen_q) *
                      (trial.provider == "block_ptr" ? 1.0 : 1.3);
    Record record;
    record.trial = trial;
    record.trial_id = trial_id(trial);
    if (records.size() % failure_every == failure_every - 1) {
      record.outcome = Outcome::out_of_memory;
      record.message = kHostile;
    } else {
      record.outcome = Outcome::ok;
      for (int i = 0; i < 30; ++i) record.samples_ms.push_back(ms * (1.0 + 0.002 * (i % 7)));
    }
    records.push_back(std::move(record));
    return true;
  });
  return records;
}

}  // namespace attnbench
