// The checks of `attnbench validate` as data, and what came of one.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/enum_text.h"
#include "model/provider_info.h"
#include "protocol/messages.h"

namespace attnbench {

// Each level includes those before it. scan: without a device; contract: calls right and wrong;
// numerics: answers compared with the fp64 reference.
enum class Level { scan, contract, numerics };
// A must is a promise of provider.h; a should is good manners; the rest is pedantic.
enum class Severity { must, should, pedantic };
enum class CheckResult { pass, fail, warn, skip, crash, timeout };

inline constexpr EnumText<Level> kLevels[] = {
    {Level::scan, "scan"}, {Level::contract, "contract"}, {Level::numerics, "numerics"}};
inline constexpr EnumText<Severity> kSeverities[] = {
    {Severity::must, "must"}, {Severity::should, "should"}, {Severity::pedantic, "pedantic"}};
inline constexpr EnumText<CheckResult> kCheckResults[] = {
    {CheckResult::pass, "pass"}, {CheckResult::fail, "fail"},   {CheckResult::warn, "warn"},
    {CheckResult::skip, "skip"}, {CheckResult::crash, "crash"}, {CheckResult::timeout, "timeout"}};

// What facts say against the provider, one line; empty: nothing.
using Judge = std::string (*)(const ContractReply& facts);

struct Check {
  std::string_view id;
  Level level;
  Severity severity;
  std::string_view promise;  // what a provider that passes does, one line
  // Facts: a group of worker/contract.cpp, or one of those below. Most numerics checks have none:
  // their problems are in numerics.cpp.
  std::string_view group;
  Judge judge = nullptr;
};
inline constexpr std::string_view kFromScan = "scan";  // what describing the file already told
inline constexpr std::string_view kFromAllCalls = "all calls";
inline constexpr std::string_view kFromBadCaches = "bad-caches";
inline constexpr std::string_view kFromSlopes = "slopes";  // finite_differences.h

inline constexpr std::string_view kGpuPrefix = "gpu-";  // of checks for providers on a GPU alone

inline constexpr std::string_view kFirstOfScan = "abi-load";
inline constexpr std::string_view kFirstOfContract = "life-one-pass";
inline constexpr std::string_view kFirstOfNumerics = "num-forward";

std::span<const Check> all_checks();  // in the order in which they are made

struct CheckOutcome {
  const Check* check = nullptr;
  CheckResult result = CheckResult::pass;
  std::string why;  // one line unless it passed
};

// The check that a file in this state has failed; empty for LibraryState::ok.
std::string_view failed_scan_check(LibraryState state);

// A must that was broken, or a process lost over it.
bool is_failure(const CheckOutcome& outcome);

}  // namespace attnbench
