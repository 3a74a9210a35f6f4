#include "provider/table.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <set>

#include "base/text.h"

namespace attnbench {
namespace {

// Limits that no honest provider comes near; beyond them the numbers are garbage.
constexpr uint32_t kMaxProviders = 64;
constexpr uint32_t kMaxDeviceTypes = 16;
constexpr uint32_t kMaxDtypes = 64;
constexpr uint32_t kMaxOptions = 64;
constexpr uint32_t kMaxChoices = 4096;
constexpr size_t kMaxTextBytes = 4096;

// Throws the first broken promise; find_table_fault turns it into a value.
[[noreturn]] void reject(const std::string& reason) {
  throw LibraryFault{LibraryState::bad_table, reason};
}

void require(bool holds, const std::string& reason) {
  if (!holds) reject(reason);
}

std::string checked_text(const char* text, const std::string& what) {
  require(text != nullptr, what + " is NULL");
  const size_t length = strnlen(text, kMaxTextBytes + 1);
  require(length <= kMaxTextBytes, fmt::format("{} is over {} bytes", what, kMaxTextBytes));
  require(is_valid_utf8({text, length}), what + " is no UTF-8");
  return {text, length};
}

std::string checked_name(const char* text, const std::string& what) {
  const std::string name = checked_text(text, what);
  const bool is_plain =
      name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos;
  require(!name.empty() && is_plain, fmt::format("{} \"{}\" is not [a-z0-9_]+", what, name));
  return name;
}

void check_count(uint32_t count, uint32_t limit, const void* array, const std::string& owner,
                 const char* what) {
  require(count <= limit, fmt::format("{} has {} {}, at most {}", owner, count, what, limit));
  require(count == 0 || array != nullptr, fmt::format("{} has NULL for its {}", owner, what));
}

void check_int_option(const attn_option_desc& option, const std::string& what) {
  if (option.num_choices == 0) {
    require(option.int_min <= option.int_default && option.int_default <= option.int_max,
            what + " has a default outside its range");
    return;
  }
  check_count(option.num_choices, kMaxChoices, option.int_choices, what, "choices");
  bool has_default = false;
  for (uint32_t i = 0; i < option.num_choices; ++i) {
    has_default = has_default || option.int_choices[i] == option.int_default;
  }
  require(has_default, what + " has a default that is none of its choices");
}

void check_float_option(const attn_option_desc& option, const std::string& what) {
  require(option.num_choices == 0, what + " is a float with choices");
  require(std::isfinite(option.float_min) && std::isfinite(option.float_max) &&
              option.float_min <= option.float_default && option.float_default <= option.float_max,
          what + " has a default outside its range");
}

void check_string_option(const attn_option_desc& option, const std::string& what) {
  const std::string default_value = checked_text(option.string_default, what + " default");
  check_count(option.num_choices, kMaxChoices, option.string_choices, what, "choices");
  bool has_default = option.num_choices == 0;
  for (uint32_t i = 0; i < option.num_choices; ++i) {
    const std::string choice = checked_text(option.string_choices[i], what + " choice");
    has_default = has_default || choice == default_value;
  }
  require(has_default, what + " has a default that is none of its choices");
}

void check_option(const attn_option_desc* option, const std::string& owner,
                  std::set<std::string>& names) {
  require(option != nullptr, owner + " has a NULL option");
  require(option->struct_size >= ATTN_SIZE_TO(attn_option_desc, string_default),
          owner + " has an option shorter than in ABI 1.0");
  const std::string name = checked_name(option->name, owner + " option name");
  const std::string what = fmt::format("{} option \"{}\"", owner, name);
  require(names.insert(name).second, what + " is declared twice");
  checked_text(option->doc, what + " doc");
  switch (option->type) {
    case ATTN_INT:
      return check_int_option(*option, what);
    case ATTN_FLOAT:
      return check_float_option(*option, what);
    case ATTN_STRING:
      return check_string_option(*option, what);
    default:
      reject(fmt::format("{} has the unknown type {}", what, option->type));
  }
}

void check_desc(const attn_provider_desc* desc, std::set<std::string>& ids) {
  require(desc != nullptr, "a provider descriptor is NULL");
  require(desc->struct_size >= ATTN_SIZE_TO(attn_provider_desc, options),
          "a provider descriptor is shorter than in ABI 1.0");
  const std::string id = checked_name(desc->id, "provider id");
  require(ids.insert(id).second, fmt::format("the id \"{}\" is there twice in one file", id));
  checked_text(desc->name, id + ": name");
  checked_text(desc->vendor, id + ": vendor");
  checked_text(desc->version, id + ": version");
  checked_text(desc->license, id + ": license");
  checked_text(desc->description, id + ": description");
  check_count(desc->num_device_types, kMaxDeviceTypes, desc->device_types, id, "device types");
  check_count(desc->num_dtypes, kMaxDtypes, desc->dtypes, id, "dtypes");
  check_count(desc->num_options, kMaxOptions, desc->options, id, "options");
  require(desc->num_device_types > 0, id + ": serves no device type");
  require(desc->num_dtypes > 0, id + ": serves no dtype");
  std::set<std::string> option_names;
  for (uint32_t i = 0; i < desc->num_options; ++i) {
    check_option(desc->options[i], id + ":", option_names);
  }
}

void check_slots(const attn_provider_api& api) {
  const std::pair<const char*, bool> slots[] = {{"probe", api.probe != nullptr},
                                                {"create", api.create != nullptr},
                                                {"destroy", api.destroy != nullptr},
                                                {"supports", api.supports != nullptr},
                                                {"plan_create", api.plan_create != nullptr},
                                                {"plan_info", api.plan_info != nullptr},
                                                {"execute", api.execute != nullptr},
                                                {"plan_destroy", api.plan_destroy != nullptr}};
  for (const auto& [slot, is_set] : slots) {
    require(is_set, fmt::format("the slot {} is NULL", slot));
  }
}

std::string device_type_name(int32_t type) {
  if (type == ATTN_DEVICE_CPU) return "cpu";
  if (type == ATTN_DEVICE_CUDA) return "cuda";
  return fmt::format("device{}", type);
}

OptionInfo info_from(const attn_option_desc& option) {
  OptionInfo info;
  info.name = option.name;
  info.doc = option.doc;
  info.is_sweepable = (option.flags & ATTN_OPTION_SWEEPABLE) != 0;
  info.is_compile_time = (option.flags & ATTN_OPTION_COMPILE_TIME) != 0;
  if (option.type == ATTN_INT) {
    info.type = "int";
    info.choices.assign(option.int_choices, option.int_choices + option.num_choices);
    info.min = static_cast<double>(option.int_min);
    info.max = static_cast<double>(option.int_max);
    info.default_value = option.int_default;
  } else if (option.type == ATTN_FLOAT) {
    info.type = "float";
    info.min = option.float_min;
    info.max = option.float_max;
    info.default_value = option.float_default;
  } else {
    info.type = "string";
    for (uint32_t i = 0; i < option.num_choices; ++i) {
      info.choices.emplace_back(std::string(option.string_choices[i]));
    }
    info.default_value = std::string(option.string_default);
  }
  return info;
}

}  // namespace

std::optional<LibraryFault> find_table_fault(const attn_provider_api* api) {
  if (api == nullptr) {
    return LibraryFault{LibraryState::abi_too_new,
                        fmt::format("serves none of this host's ABI minors (up to {}.{}); update "
                                    "attnbench",
                                    ATTN_ABI_MAJOR, ATTN_ABI_MINOR)};
  }
  if (api->struct_size < ATTN_SIZE_TO(attn_provider_api, plan_destroy)) {
    return LibraryFault{LibraryState::bad_table,
                        fmt::format("the table has {} bytes, ABI 1.0 has {}", api->struct_size,
                                    ATTN_SIZE_TO(attn_provider_api, plan_destroy))};
  }
  if (api->abi_major != ATTN_ABI_MAJOR) {
    const bool is_old = api->abi_major < ATTN_ABI_MAJOR;
    return LibraryFault{is_old ? LibraryState::abi_too_old : LibraryState::abi_too_new,
                        fmt::format("was built for ABI {}.{}, this host serves {}.x; {}",
                                    api->abi_major, api->abi_minor, ATTN_ABI_MAJOR,
                                    is_old ? "build it again" : "update attnbench")};
  }
  try {
    check_slots(*api);
    check_count(api->num_providers, kMaxProviders, api->providers, "the table", "providers");
    require(api->num_providers > 0, "holds no provider");
    std::set<std::string> ids;
    for (uint32_t i = 0; i < api->num_providers; ++i) check_desc(api->providers[i], ids);
  } catch (const LibraryFault& fault) {
    return fault;
  }
  return std::nullopt;
}

std::string dtype_name(attn_dtype dtype) {
  if (dtype.lanes == 1 && dtype.code == ATTN_DTYPE_FLOAT && dtype.bits == 16) return "fp16";
  if (dtype.lanes == 1 && dtype.code == ATTN_DTYPE_BFLOAT && dtype.bits == 16) return "bf16";
  if (dtype.lanes == 1 && dtype.code == ATTN_DTYPE_FLOAT && dtype.bits == 32) return "fp32";
  return fmt::format("dtype{}x{}", dtype.code, dtype.bits);
}

ProviderInfo info_from(const attn_provider_api& api, const attn_provider_desc& desc) {
  ProviderInfo info;
  info.id = desc.id;
  info.name = desc.name;
  info.vendor = desc.vendor;
  info.version = desc.version;
  info.license = desc.license;
  info.description = desc.description;
  info.abi = fmt::format("{}.{}", api.abi_major, api.abi_minor);
  info.features = feature_names(desc.features);
  for (uint32_t i = 0; i < desc.num_device_types; ++i) {
    info.device_types.push_back(device_type_name(desc.device_types[i]));
  }
  for (uint32_t i = 0; i < desc.num_dtypes; ++i) {
    info.dtypes.push_back(dtype_name(desc.dtypes[i]));
  }
  for (uint32_t i = 0; i < desc.num_options; ++i) {
    info.options.push_back(info_from(*desc.options[i]));
  }
  return info;
}

}  // namespace attnbench
