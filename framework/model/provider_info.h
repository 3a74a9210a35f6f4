// What is known of an installed provider without running a trial: facts that a describe worker
// reports and `list`, `expand` and "did you mean" use.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/enum_text.h"
#include "base/json.h"
#include "model/trial.h"

namespace attnbench {

struct OptionInfo {
  std::string name;
  std::string doc;
  std::string type;                  // "int", "float", "string"
  std::vector<OptionValue> choices;  // empty: a range, or free text
  double min = 0.0;                  // of the range, where choices are empty and type is a number
  double max = 0.0;
  OptionValue default_value;
  bool is_sweepable = false;
  bool is_compile_time = false;  // another value means another compilation
};

// Why a file on the search path is or is not a provider.
enum class LibraryState {
  ok,
  not_elf,
  truncated,
  wrong_architecture,
  missing_dependency,
  missing_entry,
  abi_too_old,
  abi_too_new,
  load_failed,
  bad_table,
  crashed,
  hung,
  shadowed
};
inline constexpr EnumText<LibraryState> kLibraryStates[] = {
    {LibraryState::ok, "ok"},
    {LibraryState::not_elf, "not_elf"},
    {LibraryState::truncated, "truncated"},
    {LibraryState::wrong_architecture, "wrong_architecture"},
    {LibraryState::missing_dependency, "missing_dependency"},
    {LibraryState::missing_entry, "missing_entry"},
    {LibraryState::abi_too_old, "abi_too_old"},
    {LibraryState::abi_too_new, "abi_too_new"},
    {LibraryState::load_failed, "load_failed"},
    {LibraryState::bad_table, "bad_table"},
    {LibraryState::crashed, "crashed"},
    {LibraryState::hung, "hung"},
    {LibraryState::shadowed, "shadowed"}};

// A provider's answer for one device of this machine.
struct Usability {
  std::string device;  // "cpu", "cuda:0"
  int score = 0;       // 1..100 where usable, else 0
  std::string reason;  // why not; empty where usable
};

struct ProviderInfo {
  std::string path;  // canonical path of the .so
  std::string sha256;
  LibraryState state = LibraryState::ok;
  std::string reason;  // one line; empty when ok
  // The rest is empty unless the library could be read.
  std::string id;
  std::string name, vendor, version, license, description;
  std::string abi;                        // "1.0"
  std::vector<std::string> device_types;  // "cpu", "cuda"
  std::vector<std::string> dtypes;        // "fp16", ...
  std::vector<std::string> features;      // "causal", "bias", "gqa", "bwd", "lse", ...
  std::vector<OptionInfo> options;
  std::vector<Usability> usable;

  bool is_usable_on(const std::string& device) const;
  const OptionInfo* find_option(const std::string& option) const;  // nullptr: not declared
};

// Names of ATTN_FEATURE_* bits, in bit order; unknown bits as "bit<N>".
std::vector<std::string> feature_names(uint64_t features);

Json to_json(const OptionInfo& option);
OptionInfo option_info_from_json(const Json& json);
Json to_json(const ProviderInfo& info);
ProviderInfo provider_info_from_json(const Json& json);

}  // namespace attnbench
