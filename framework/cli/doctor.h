// What `attnbench doctor` says: facts of this machine judged, each with what to do about it. Pure.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/enum_text.h"
#include "base/json.h"
#include "cli/library_search.h"
#include "cli/machine.h"
#include "model/inspection.h"
#include "model/provider_info.h"
#include "report/terminal_text.h"

namespace attnbench {

// A note is no trouble: it tells what is not there and not missed.
enum class FindingLevel { ok, note, warning };
inline constexpr EnumText<FindingLevel> kFindingLevels[] = {
    {FindingLevel::ok, "ok"}, {FindingLevel::note, "note"}, {FindingLevel::warning, "warning"}};

struct Finding {
  FindingLevel level = FindingLevel::ok;
  std::string subject;  // "processor", "driver", "cuda:0", "libraries", "providers"
  std::string text;
  std::string advice;  // what to do about it; only for a warning, and then always
};

struct Checkup {
  Machine machine;
  Inspection inspection;
  std::filesystem::path toolkit;
  std::vector<ProviderInfo> providers;
};

std::vector<Finding> diagnose(const Checkup& checkup);
size_t count_warnings(const std::vector<Finding>& findings);

std::string doctor_text(const std::vector<Finding>& findings, const TerminalStyle& style);
Json doctor_json(const Checkup& checkup, const std::vector<Finding>& findings);

}  // namespace attnbench
