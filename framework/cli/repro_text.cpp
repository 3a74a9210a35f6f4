#include "cli/repro_text.h"

#include <fmt/format.h>

#include <optional>

#include "base/text.h"
#include "model/statistics.h"
#include "model/work.h"
#include "report/table.h"

namespace attnbench {
namespace {

constexpr const char* kNothing = "-";

std::string optional_text(const std::optional<double>& number) {
  return number ? fmt::format("{:.3g}", *number) : kNothing;
}

// A record as the cells of a column, under the titles of repro_text.
std::vector<std::string> cells_of(const Record& record) {
  const std::string outcome(to_text(record.outcome));
  std::vector<std::string> cells = {
      record.detail.empty() ? outcome : fmt::format("{} ({})", outcome, record.detail)};
  if (record.is_ok()) {
    const Summary summary = summarise(record.samples_ms);
    cells.push_back(fmt::format("{:.6f}", summary.median));
    cells.push_back(fmt::format("{:.6f} to {:.6f}", summary.ci.low, summary.ci.high));
    cells.push_back(std::to_string(summary.n));
    cells.push_back(fmt::format("{:.3f}", flops(record.trial.problem) / (summary.median * 1e9)));
  } else {
    cells.insert(cells.end(), 4, kNothing);
  }
  cells.push_back(record.errors.empty() ? kNothing : fmt::format("{:.2e}", record.max_error()));
  cells.push_back(optional_text(record.prepare_ms));
  cells.push_back(record.provider_version);
  cells.push_back(record.provider_sha256.substr(0, 12));
  cells.push_back(record.started_utc);
  return cells;
}

constexpr const char* kTitles[] = {
    "outcome",   "median ms",  "95 % interval",    "samples",         "TFLOP/s",
    "max error", "prepare ms", "provider version", "provider sha256", "started"};

std::string change_text(const Record& then, const Record& now) {
  if (!then.is_ok() || !now.is_ok()) return "";
  const Summary before = summarise(then.samples_ms);
  const Summary after = summarise(now.samples_ms);
  const bool is_same = before.ci.low <= after.ci.high && after.ci.low <= before.ci.high;
  return fmt::format("the median moved by {:+.1f} %, {} the intervals\n",
                     100.0 * (after.median / before.median - 1.0), is_same ? "within" : "out of");
}

// A word as a POSIX shell reads it back.
std::string shell_word(const std::string& word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=./:,+@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string quoted = "'";
  for (const char letter : word) quoted += letter == '\'' ? "'\\''" : std::string(1, letter);
  return quoted + "'";
}

// An extended regular expression that matches the name and nothing else.
std::string regex_of(const std::string& name) {
  std::string escaped;
  for (const char letter : printable(name)) {
    if (std::string_view("\\^$.|?*+()[]{}").find(letter) != std::string_view::npos) escaped += '\\';
    escaped += letter;
  }
  return escaped;
}

}  // namespace

std::string repro_text(const Record& then, const Record& now, const TerminalStyle& style) {
  TextTable table({{"", Align::left}, {"then", Align::right}, {"now", Align::right}});
  const std::vector<std::string> old_cells = cells_of(then);
  const std::vector<std::string> new_cells = cells_of(now);
  for (size_t i = 0; i < old_cells.size(); ++i) {
    table.add_row({{kTitles[i]}, {old_cells[i]}, {new_cells[i]}});
  }
  std::string text = table.text(style) + change_text(then, now);
  for (const Record* record : {&then, &now}) {
    if (record->message.empty()) continue;
    text += fmt::format("{}: {}\n", record == &then ? "then" : "now", printable(record->message));
  }
  if (then.provider_sha256 != now.provider_sha256) {
    text += "the provider's file is not the one of then\n";
  }
  return text;
}

std::string profiler_text(const std::vector<std::string>& argv, const std::string& device,
                          const std::vector<std::string>& kernels) {
  std::vector<std::string> words;
  for (const std::string& word : argv) words.push_back(shell_word(word));
  const std::string command = join(words, " ");
  if (!device.starts_with("cuda")) return fmt::format("perf record -g -- {}\n", command);
  std::vector<std::string> names;
  for (const std::string& name : kernels) names.push_back(regex_of(name));
  const std::string filter =
      names.empty() ? "" : " --kernel-name " + shell_word("regex:" + join(names, "|"));
  return fmt::format("ncu --target-processes all --set full{} {}\nnsys profile --trace cuda {}\n",
                     filter, command, command);
}

}  // namespace attnbench
