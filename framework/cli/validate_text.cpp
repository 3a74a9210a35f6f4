#include "cli/validate_text.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "report/table.h"

namespace attnbench {
namespace {

Color color_of(CheckResult result) {
  switch (result) {
    case CheckResult::pass:
      return Color::green;
    case CheckResult::warn:
      return Color::yellow;
    case CheckResult::skip:
      return Color::dim;
    default:
      return Color::red;
  }
}

std::string counts_text(const Validation& validation) {
  std::vector<std::string> counts;
  for (const auto& [result, name] : kCheckResults) {
    const int count = validation.count(result);
    if (count > 0) counts.push_back(fmt::format("{} {}", count, name));
  }
  return counts.empty() ? "no checks" : join(counts, ", ");
}

bool is_shown(const CheckOutcome& outcome, bool is_verbose) {
  return is_verbose || outcome.result == CheckResult::warn || is_failure(outcome);
}

std::string line_of(const CheckOutcome& outcome, const TerminalStyle& style) {
  const std::string result(enum_to_text(kCheckResults, outcome.result));
  const std::string padding(8 - result.size(), ' ');
  const std::string severity(enum_to_text(kSeverities, outcome.check->severity));
  const std::string why =
      outcome.why.empty() ? std::string(outcome.check->promise) : printable(outcome.why);
  return fmt::format("  {}{}{:<9} {:<24} {}\n", colored(result, color_of(outcome.result), style),
                     padding, severity, outcome.check->id, why);
}

}  // namespace

std::string validation_text(const Validation& validation, bool is_verbose,
                            const TerminalStyle& style) {
  const bool is_whole = !validation.has_failure();
  std::string text =
      fmt::format("{}{}: {}\n", colored(printable(validation.provider), Color::bold, style),
                  validation.device.empty() ? "" : " on " + validation.device,
                  colored(counts_text(validation), is_whole ? Color::green : Color::red, style));
  for (const CheckOutcome& outcome : validation.outcomes) {
    if (is_shown(outcome, is_verbose)) text += line_of(outcome, style);
  }
  return text;
}

Json to_json(const Validation& validation) {
  Json json;
  json["provider"] = validation.provider;
  json["path"] = validation.path;
  json["device"] = validation.device;
  json["checks"] = Json::array();
  for (const CheckOutcome& outcome : validation.outcomes) {
    Json check;
    check["id"] = outcome.check->id;
    check["level"] = enum_to_text(kLevels, outcome.check->level);
    check["severity"] = enum_to_text(kSeverities, outcome.check->severity);
    check["result"] = enum_to_text(kCheckResults, outcome.result);
    check["why"] = outcome.why;
    json["checks"].push_back(std::move(check));
  }
  return json;
}

std::string matrix_text(const std::vector<SupportRow>& rows, const TerminalStyle& style) {
  std::vector<TableColumn> columns = {{"problem"}};
  const SupportRow* longest = nullptr;
  for (const SupportRow& row : rows) {
    columns.push_back({printable(row.provider)});
    if (longest == nullptr || row.answers.size() > longest->answers.size()) longest = &row;
  }
  if (longest == nullptr) return "no providers\n";
  TextTable table(std::move(columns));
  for (size_t i = 0; i < longest->answers.size(); ++i) {
    std::vector<TableCell> cells = {{longest->answers[i].kind}};
    for (const SupportRow& row : rows) {
      if (i >= row.answers.size()) {
        cells.push_back({"-", Color::dim});
      } else {
        const bool is_supported = row.answers[i].is_supported;
        cells.push_back({is_supported ? "yes" : "no", is_supported ? Color::green : Color::yellow});
      }
    }
    table.add_row(std::move(cells));
  }
  std::string text = table.text(style);
  for (const SupportRow& row : rows) {
    const std::string name = printable(row.provider);
    if (row.device.empty()) text += fmt::format("\n{} is usable on no device here\n", name);
    bool is_first = true;
    for (const SupportAnswer& answer : row.answers) {
      if (answer.is_supported) continue;
      if (std::exchange(is_first, false)) text += fmt::format("\n{}, why not:\n", name);
      text += fmt::format("  {}: {}\n", answer.kind, printable(answer.reason));
    }
  }
  return text;
}

Json to_json(const SupportRow& row) {
  Json json;
  json["provider"] = row.provider;
  json["device"] = row.device;
  json["problems"] = Json::array();
  for (const SupportAnswer& answer : row.answers) {
    json["problems"].push_back({{"problem", answer.kind},
                                {"is_supported", answer.is_supported},
                                {"reason", answer.reason}});
  }
  return json;
}

}  // namespace attnbench
