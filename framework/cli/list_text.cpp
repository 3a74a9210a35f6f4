#include "cli/list_text.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "report/table.h"

namespace attnbench {
namespace {

std::string option_text(const OptionInfo& option) {
  std::string values;
  if (!option.choices.empty()) {
    std::vector<std::string> choices;
    for (const OptionValue& choice : option.choices) choices.push_back(to_text(choice));
    values = "one of " + join(choices, " ");
  } else if (option.type == "string") {
    values = "any text";
  } else {
    values = fmt::format("{:g} to {:g}", option.min, option.max);
  }
  return fmt::format("{}: {}, {}, default {}{}", option.name, option.type, values,
                     to_text(option.default_value), option.doc.empty() ? "" : "; " + option.doc);
}

std::string usability_text(const ProviderInfo& provider, const TerminalStyle& style) {
  std::vector<std::string> usable, reasons;
  for (const Usability& usability : provider.usable) {
    if (usability.score > 0) {
      usable.push_back(usability.device);
    } else {
      reasons.push_back(fmt::format("{}: {}", usability.device, printable(usability.reason)));
    }
  }
  if (!usable.empty()) {
    return colored("usable on " + join(usable, ", "), Color::green, style);
  }
  const std::string why = reasons.empty() ? "none of its devices is here" : join(reasons, "; ");
  return colored("not usable here", Color::yellow, style) + ": " + why;
}

std::string broken_text(const ProviderInfo& provider, const TerminalStyle& style) {
  const std::string file = std::filesystem::path(provider.path).filename();
  const std::string name = provider.id.empty() ? file : provider.id + " " + provider.version;
  const Color color = provider.state == LibraryState::shadowed ? Color::yellow : Color::red;
  return fmt::format("{}  {}: {}\n", colored(printable(name), Color::bold, style),
                     colored(enum_to_text(kLibraryStates, provider.state), color, style),
                     printable(provider.reason));
}

std::string healthy_text(const ProviderInfo& provider, const TerminalStyle& style) {
  std::string text =
      fmt::format("{}  (ABI {})  {}\n",
                  colored(printable(provider.id + " " + provider.version), Color::bold, style),
                  printable(provider.abi), usability_text(provider, style));
  const auto add = [&text](std::string_view label, const std::string& value) {
    if (!value.empty()) text += fmt::format("  {:<9} {}\n", label, printable(value));
  };
  add("", provider.description);
  add("devices", join(provider.device_types, " "));
  add("dtypes", join(provider.dtypes, " "));
  add("features", join(provider.features, " "));
  for (const OptionInfo& option : provider.options) add("option", option_text(option));
  return text;
}

}  // namespace

std::string provider_text(const ProviderInfo& provider, bool is_verbose,
                          const TerminalStyle& style) {
  const bool is_healthy = provider.state == LibraryState::ok;
  std::string text = is_healthy ? healthy_text(provider, style) : broken_text(provider, style);
  if (is_verbose && !provider.vendor.empty()) {
    text += fmt::format("  {:<9} {}\n", "vendor", printable(provider.vendor));
  }
  if (is_verbose && !provider.license.empty()) {
    text += fmt::format("  {:<9} {}\n", "license", printable(provider.license));
  }
  text += fmt::format("  {:<9} {}\n", "file", printable(provider.path));
  if (is_verbose && !provider.sha256.empty()) {
    text += fmt::format("  {:<9} {}\n", "sha256", provider.sha256);
  }
  return text;
}

std::string sweeps_text(const std::vector<SweepListing>& sweeps, const TerminalStyle& style) {
  TextTable table({{"sweep", Align::left, 0, 0}, {"what it measures", Align::left, 0, 20}});
  for (const SweepListing& sweep : sweeps) {
    const bool is_broken = !sweep.error.empty();
    table.add_row(
        {{sweep.name},
         {is_broken ? sweep.error : sweep.description, is_broken ? Color::red : Color::none}});
  }
  return table.text(style);
}

Json sweeps_json(const std::vector<SweepListing>& sweeps) {
  Json rows = Json::array();
  for (const SweepListing& sweep : sweeps) {
    rows.push_back(Json{{"name", sweep.name},
                        {"path", sweep.path.string()},
                        {"description", sweep.description},
                        {"error", sweep.error}});
  }
  return rows;
}

std::string devices_text(const Machine& machine) {
  const CpuFacts& cpu = machine.cpu;
  std::string text = fmt::format("cpu     {}, {} of {} CPUs usable, {} of memory ({} free)\n",
                                 printable(cpu.name), cpu.allowed_cpus, cpu.logical_cpus,
                                 human_bytes(cpu.memory_bytes), human_bytes(cpu.available_bytes));
  for (const GpuFacts& gpu : machine.gpus) {
    text += fmt::format(
        "{:<7} {}\n", gpu.device,
        gpu.name.empty() ? "NVIDIA GPU (the driver tells no name)" : printable(gpu.name));
  }
  if (machine.gpus.empty()) {
    text += "no GPU: there is no /dev/nvidia0, so no NVIDIA driver has one to offer\n";
  }
  for (const std::string& warning : machine.warnings()) text += "warning: " + warning + "\n";
  return text;
}

}  // namespace attnbench
