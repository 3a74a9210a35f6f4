#include "sweep/lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>

#include "base/text.h"
#include "sweep/fields.h"
#include "sweep/shipped.h"

namespace attnbench {
namespace {

const ShippedProvider* find_shipped(const std::string& id) {
  for (const ShippedProvider& shipped : kShippedProviders) {
    if (shipped.id == id) return &shipped;
  }
  return nullptr;
}

// A library that could not be read has no id; its file's name is what its user will call it.
std::string id_of(const ProviderInfo& info) {
  if (!info.id.empty()) return info.id;
  const std::string file = std::filesystem::path(info.path).filename().string();
  return file.substr(0, file.find('.'));
}

// What is known of a line's provider before it is decided where it runs.
struct Known {
  const ProviderInfo* info = nullptr;  // of a library that works here; else null
  std::vector<std::string> device_types;
  std::optional<std::vector<std::string>> options;  // nothing: unknown, so any
};

Known know(const Line& line, const std::vector<ProviderInfo>& providers) {
  std::vector<std::string> ids;
  for (const ShippedProvider& shipped : kShippedProviders) ids.emplace_back(shipped.id);
  bool is_here = false;
  for (const ProviderInfo& info : providers) {
    ids.push_back(id_of(info));
    if (ids.back() != line.id) continue;
    is_here = true;
    if (info.state != LibraryState::ok) continue;
    Known known{&info, info.device_types, std::vector<std::string>()};
    for (const OptionInfo& option : info.options) known.options->push_back(option.name);
    return known;
  }
  if (const ShippedProvider* shipped = find_shipped(line.id)) {
    Known known{nullptr, {std::string(shipped->device_type)}, std::vector<std::string>()};
    for (std::string_view option : shipped->options) known.options->emplace_back(option);
    return known;
  }
  if (is_here) return {};
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  throw SweepError(line.where, fmt::format("unknown provider \"{}\"", line.id),
                   suggest(line.id, ids));
}

bool is_of_type(const std::string& device, const std::string& type) {
  return device == type || device.starts_with(type + ":");
}

// Where the line runs, and why it cannot, if so. A device that is missing here gets its usual name:
// the plan is the same, only its trials will fail.
struct Seat {
  std::string device;
  std::string problem;
};

Seat find_seat(const Line& line, const Known& known, const std::vector<std::string>& devices) {
  std::vector<std::string> types = known.device_types;
  if (!line.device_type.empty()) {
    if (!types.empty() && std::find(types.begin(), types.end(), line.device_type) == types.end()) {
      throw SweepError(line.where, fmt::format("{} does not run on {}", line.id, line.device_type),
                       fmt::format("it runs on {}", join(types, ", ")));
    }
    types = {line.device_type};
  }
  if (types.empty()) types = {"cuda", "cpu"};
  // An accelerator first: who has both means to be measured there.
  std::sort(types.begin(), types.end(), std::greater<>());
  for (const std::string& type : types) {
    for (const std::string& device : devices) {
      if (!is_of_type(device, type)) continue;
      if (known.info == nullptr) return {device, "it is not installed"};
      for (const Usability& usable : known.info->usable) {
        if (usable.device == device && usable.score == 0) return {device, usable.reason};
      }
      return {device, ""};
    }
  }
  const bool is_cuda = types.front() == "cuda";
  return {is_cuda ? "cuda:0" : types.front(),
          is_cuda ? "this machine has no usable GPU" : "this machine has no such device"};
}

bool is_offered(const OptionInfo& option, const OptionValue& value) {
  if (!option.choices.empty()) {
    return std::find(option.choices.begin(), option.choices.end(), value) != option.choices.end();
  }
  if (option.type == "string") return std::holds_alternative<std::string>(value);
  if (const int64_t* integer = std::get_if<int64_t>(&value); integer && option.type == "int") {
    const double number = static_cast<double>(*integer);
    return number >= option.min && number <= option.max;
  }
  const double* number = std::get_if<double>(&value);
  return number != nullptr && option.type == "float" && *number >= option.min &&
         *number <= option.max;
}

std::string offer_of(const OptionInfo& option) {
  if (option.choices.empty()) {
    if (option.type == "string") return "it is a text";
    const char* kind = option.type == "int" ? "a whole number" : "a number with a point";
    return fmt::format("it is {} from {} to {}", kind, option.min, option.max);
  }
  std::vector<std::string> choices;
  for (const OptionValue& choice : option.choices) choices.push_back(to_text(choice));
  return "choices: " + join(choices, ", ");
}

void check_value(const Line& line, const OptionInfo& option, const OptionValue& value,
                 const Place& where) {
  if (is_offered(option, value)) return;
  throw SweepError(where,
                   fmt::format("{} does not offer {} = {}", line.id, option.name, to_text(value)),
                   offer_of(option));
}

void check_own_options(const Line& line, const Known& known) {
  for (const auto& [name, value] : line.options) {
    if (is_problem_field(name)) {
      throw SweepError(line.where, fmt::format("{} is a problem field, no option", name),
                       "all providers get the same problem: use [problem] or an [[axis]]");
    }
    if (!known.options) continue;
    if (std::find(known.options->begin(), known.options->end(), name) == known.options->end()) {
      throw SweepError(line.where, fmt::format("{} has no option \"{}\"", line.id, name),
                       suggest(name, *known.options));
    }
    if (known.info != nullptr) check_value(line, *known.info->find_option(name), value, line.where);
  }
}

// Does an [[exclude]] keep this value from this provider, whatever the rest of the grid?
bool is_kept_out(const Sweep& sweep, const std::string& id, const std::string& name,
                 const OptionValue& value) {
  return std::any_of(sweep.excludes.begin(), sweep.excludes.end(), [&](const Exclude& exclude) {
    return std::all_of(
        exclude.conditions.begin(), exclude.conditions.end(), [&](const Condition& condition) {
          const OptionValue subject = condition.name == "provider" ? OptionValue(id) : value;
          return (condition.name == "provider" || condition.name == name) &&
                 std::find(condition.values.begin(), condition.values.end(), subject) !=
                     condition.values.end();
        });
  });
}

void check_axis_values(const Sweep& sweep, const Line& line, const Known& known) {
  for (const Axis& axis : sweep.axes) {
    for (size_t i = 0; i < axis.names.size(); ++i) {
      const std::string& name = axis.names[i];
      const OptionInfo* option = known.info == nullptr ? nullptr : known.info->find_option(name);
      if (option == nullptr || is_problem_field(name) || line.options.contains(name)) continue;
      for (const Row& row : axis.rows) {
        const OptionValue& value = row.cells[i].value;
        if (!is_kept_out(sweep, line.id, name, value)) check_value(line, *option, value, row.where);
      }
    }
  }
}

// An axis that is neither a field nor anybody's option is a misspelt one.
void check_axis_names(const Sweep& sweep, const std::vector<Known>& all_known) {
  std::set<std::string> options;
  for (const Known& known : all_known) {
    if (!known.options) return;
    options.insert(known.options->begin(), known.options->end());
  }
  for (const Axis& axis : sweep.axes) {
    for (const std::string& name : axis.names) {
      if (is_problem_field(name) || options.contains(name)) continue;
      std::vector<std::string> valid = problem_fields();
      valid.insert(valid.end(), options.begin(), options.end());
      throw SweepError(
          axis.where,
          fmt::format("axis \"{}\" is neither a problem field nor an option of these providers",
                      name),
          suggest(name, valid));
    }
  }
}

std::vector<std::string> all_option_axes(const Sweep& sweep) {
  std::vector<std::string> names;
  for (const Axis& axis : sweep.axes) {
    for (const std::string& name : axis.names) {
      if (!is_problem_field(name)) names.push_back(name);
    }
  }
  return names;
}

}  // namespace

LinePlan plan_lines(const Sweep& sweep, const std::vector<ProviderInfo>& providers,
                    const std::vector<std::string>& devices) {
  std::vector<Known> all_known;
  for (const Line& line : sweep.lines) all_known.push_back(know(line, providers));
  check_axis_names(sweep, all_known);
  LinePlan plan;
  for (size_t i = 0; i < sweep.lines.size(); ++i) {
    const Line& line = sweep.lines[i];
    const Known& known = all_known[i];
    check_own_options(line, known);
    const Seat seat = find_seat(line, known, devices);
    if (line.is_optional && !seat.problem.empty()) {
      plan.notes.push_back(fmt::format("{} is left out: {}", line.label, seat.problem));
      continue;
    }
    check_axis_values(sweep, line, known);
    plan.lines.push_back({line, seat.device, known.info != nullptr,
                          known.options ? *known.options : all_option_axes(sweep)});
  }
  if (plan.lines.empty()) {
    throw SweepError({sweep.file, 1, 1}, "no provider of this sweep can run here",
                     join(plan.notes, "; "));
  }
  return plan;
}

}  // namespace attnbench
