#include "cli/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <cstdlib>

#include "base/text.h"

namespace attnbench {
namespace {

namespace po = boost::program_options;
using Texts = std::vector<std::string>;

const Texts kVerbs = {"run",   "list",     "report", "compare", "merge",
                      "repro", "validate", "doctor", "help"};
const Texts kSubjects = {"providers", "sweeps", "devices"};

std::string all_names(const po::options_description& options) {
  Texts names;
  for (const auto& option : options.options()) names.push_back(option->long_name());
  return join(names, ", --");
}

Texts long_names(const po::options_description& options) {
  Texts names;
  for (const auto& option : options.options()) names.push_back("--" + option->long_name());
  return names;
}

// Boost takes "--filter -mode=bwd" for two options; "--filter=-mode=bwd" says what is meant.
Texts with_joined_values(const Texts& words) {
  Texts joined;
  for (size_t i = 0; i < words.size(); ++i) {
    const bool has_value = words[i] == "--filter" && i + 1 < words.size();
    joined.push_back(has_value ? words[i] + "=" + words[i + 1] : words[i]);
    if (has_value) ++i;
  }
  return joined;
}

po::variables_map parse(const std::string& verb, const Texts& words,
                        const po::options_description& options,
                        const po::positional_options_description& positional) {
  const Texts joined = with_joined_values(words);
  try {
    po::variables_map values;
    // No guessing: an abbreviation that works today is ambiguous after the next option is added.
    const int style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
    po::store(
        po::command_line_parser(joined).options(options).positional(positional).style(style).run(),
        values);
    po::notify(values);
    return values;
  } catch (const po::unknown_option& error) {
    throw UsageError(fmt::format("{}: unknown option {}", verb, error.get_option_name()),
                     suggest(error.get_option_name(), long_names(options)));
  } catch (const po::too_many_positional_options_error&) {
    throw UsageError(fmt::format("{}: more than one name was given", verb),
                     fmt::format("`attnbench help {}` shows the form", verb));
  } catch (const po::error& error) {
    throw UsageError(fmt::format("{}: {}", verb, error.what()),
                     fmt::format("options are --{}", all_names(options)));
  }
}

// "a,b" and repeated options are the same list.
Texts comma_list(const Texts& given, const std::string& option) {
  Texts all;
  for (const std::string& text : given) {
    for (const std::string& part : split(text, ',')) {
      if (part.empty()) throw UsageError(option + ": an empty name in \"" + text + "\"", "");
      all.push_back(part);
    }
  }
  return all;
}

std::optional<Effort> effort_from(const po::variables_map& values) {
  if (values.count("effort") == 0) return std::nullopt;
  const std::string& text = values["effort"].as<std::string>();
  const std::optional<Effort> effort = enum_from_text(kEfforts, text);
  if (!effort) {
    throw UsageError(fmt::format("--effort: unknown effort \"{}\"", text),
                     suggest(text, enum_texts(kEfforts)));
  }
  return effort;
}

std::optional<uint64_t> seed_from(const po::variables_map& values) {
  if (values.count("seed") == 0) return std::nullopt;
  const std::string& text = values["seed"].as<std::string>();
  const bool is_digits =
      !text.empty() && text.size() <= 19 &&
      std::all_of(text.begin(), text.end(), [](char c) { return '0' <= c && c <= '9'; });
  if (!is_digits) {
    throw UsageError(fmt::format("--seed: \"{}\" is no whole number of up to 19 digits", text),
                     "for instance --seed 7");
  }
  return std::stoull(text);
}

template <typename T>
T value_or(const po::variables_map& values, const char* name, T fallback) {
  return values.count(name) == 0 ? fallback : values[name].as<T>();
}

std::vector<std::filesystem::path> paths_from(const po::variables_map& values, const char* name) {
  const Texts texts = value_or(values, name, Texts{});
  return {texts.begin(), texts.end()};
}

Arguments parse_run(const Texts& words) {
  po::options_description options;
  options.add_options()("sweep", po::value<std::string>())("out", po::value<std::string>())(
      "resume", po::value<std::string>())("providers", po::value<Texts>())(
      "overlay", po::value<Texts>())("axis,a", po::value<Texts>())("filter", po::value<Texts>())(
      "provider-dir", po::value<Texts>())("effort", po::value<std::string>())(
      "seed", po::value<std::string>())("dry-run", "")("help,h", "");
  po::positional_options_description positional;
  positional.add("sweep", 1);
  const po::variables_map values = parse("run", words, options, positional);
  if (values.count("help") > 0) return HelpArguments{"run"};

  RunArguments run;
  run.sweep = value_or(values, "sweep", std::string());
  run.out = value_or(values, "out", std::string());
  run.resume = value_or(values, "resume", std::string());
  run.providers = comma_list(value_or(values, "providers", Texts{}), "--providers");
  run.overlays = comma_list(value_or(values, "overlay", Texts{}), "--overlay");
  run.axes = value_or(values, "axis", Texts{});
  run.filters = value_or(values, "filter", Texts{});
  run.provider_dirs = paths_from(values, "provider-dir");
  run.effort = effort_from(values);
  run.seed = seed_from(values);
  run.is_dry_run = values.count("dry-run") > 0;
  if (run.sweep.empty() && run.resume.empty()) {
    throw UsageError("run: which sweep?", "`attnbench run quick`, or see `attnbench list sweeps`");
  }
  if (!run.out.empty() && !run.resume.empty()) {
    throw UsageError("run: --out and --resume contradict each other",
                     "--resume DIR goes on in DIR itself");
  }
  if (run.sweep.empty() && run.changes_sweep()) {
    throw UsageError(
        "run: --resume goes on with the run's own sweep, which -a, --providers, "
        "--overlay, --filter, --effort and --seed would change",
        "leave them out, or start a new run with --out");
  }
  return run;
}

Arguments parse_list(const Texts& words) {
  po::options_description options;
  options.add_options()("subject", po::value<std::string>())("json", "")("verbose,v", "")(
      "provider-dir", po::value<Texts>())("help,h", "");
  po::positional_options_description positional;
  positional.add("subject", 1);
  const po::variables_map values = parse("list", words, options, positional);
  if (values.count("help") > 0) return HelpArguments{"list"};

  ListArguments list;
  list.subject = value_or(values, "subject", std::string());
  if (std::find(kSubjects.begin(), kSubjects.end(), list.subject) == kSubjects.end()) {
    throw UsageError(list.subject.empty()
                         ? "list: list what?"
                         : fmt::format("list: there is no list of \"{}\"", list.subject),
                     suggest(list.subject, kSubjects));
  }
  list.provider_dirs = paths_from(values, "provider-dir");
  list.is_json = values.count("json") > 0;
  list.is_verbose = values.count("verbose") > 0;
  return list;
}

Arguments parse_doctor(const Texts& words) {
  po::options_description options;
  options.add_options()("json", "")("strict", "")("provider-dir", po::value<Texts>())("help,h", "");
  const po::variables_map values = parse("doctor", words, options, {});
  if (values.count("help") > 0) return HelpArguments{"doctor"};
  return DoctorArguments{paths_from(values, "provider-dir"), values.count("json") > 0,
                         values.count("strict") > 0};
}

Arguments parse_report(const Texts& words) {
  po::options_description options;
  options.add_options()("run-directory", po::value<std::string>())("md", "")("open", "")(
      "sqlite", po::value<std::string>())("nvbench", po::value<std::string>())(
      "google-benchmark", po::value<std::string>())("help,h", "");
  po::positional_options_description positional;
  positional.add("run-directory", 1);
  const po::variables_map values = parse("report", words, options, positional);
  if (values.count("help") > 0) return HelpArguments{"report"};

  ReportArguments report;
  report.run_directory = value_or(values, "run-directory", std::string());
  report.is_markdown = values.count("md") > 0;
  report.is_opened = values.count("open") > 0;
  report.sqlite_file = value_or(values, "sqlite", std::string());
  report.nvbench_file = value_or(values, "nvbench", std::string());
  report.google_benchmark_file = value_or(values, "google-benchmark", std::string());
  if (report.run_directory.empty()) {
    throw UsageError("report: of which run?", "name its directory: `attnbench report runs/...`");
  }
  return report;
}

double min_effect_from(const po::variables_map& values) {
  const std::string text = value_or(values, "min-effect", std::string("1"));
  char* end = nullptr;
  const double percent = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !(percent >= 0.0 && percent <= 1000.0)) {
    throw UsageError(fmt::format("--min-effect: \"{}\" is no number of percent", text),
                     "for instance --min-effect 2");
  }
  return percent;
}

Arguments parse_compare(const Texts& words) {
  po::options_description options;
  options.add_options()("runs", po::value<Texts>())("providers", po::value<Texts>())(
      "json", po::value<std::string>())("html", po::value<std::string>())(
      "min-effect", po::value<std::string>())("anyway", "")("fail-on-regression", "")("help,h", "");
  po::positional_options_description positional;
  positional.add("runs", -1);
  const po::variables_map values = parse("compare", words, options, positional);
  if (values.count("help") > 0) return HelpArguments{"compare"};

  CompareArguments compare;
  compare.runs = paths_from(values, "runs");
  compare.providers = comma_list(value_or(values, "providers", Texts{}), "--providers");
  compare.json_file = value_or(values, "json", std::string());
  compare.html_file = value_or(values, "html", std::string());
  compare.min_effect_percent = min_effect_from(values);
  compare.is_anyway = values.count("anyway") > 0;
  compare.fails_on_regression = values.count("fail-on-regression") > 0;
  const bool is_one_run = compare.runs.size() == 1 && compare.providers.size() == 2;
  const bool is_two_runs = compare.runs.size() == 2 && compare.providers.size() <= 2;
  if (!is_one_run && !is_two_runs) {
    throw UsageError("compare: what with what?",
                     "two runs: `attnbench compare BASE NEW`; two providers of one: `attnbench "
                     "compare RUN --providers BASE,NEW`");
  }
  return compare;
}

Arguments parse_merge(const Texts& words) {
  po::options_description options;
  options.add_options()("runs", po::value<Texts>())("out", po::value<std::string>())("help,h", "");
  po::positional_options_description positional;
  positional.add("runs", -1);
  const po::variables_map values = parse("merge", words, options, positional);
  if (values.count("help") > 0) return HelpArguments{"merge"};

  MergeArguments merge{paths_from(values, "runs"), value_or(values, "out", std::string())};
  if (merge.runs.size() < 2 || merge.out.empty()) {
    throw UsageError("merge: which pieces, and where to?",
                     "`attnbench merge RUN_DIR RUN_DIR... --out DIR`");
  }
  return merge;
}

Arguments parse_repro(const Texts& words) {
  po::options_description options;
  options.add_options()("trial", po::value<std::string>())(
      "run-directory", po::value<std::string>())("profile", "")("provider-dir", po::value<Texts>())(
      "help,h", "");
  po::positional_options_description positional;
  positional.add("trial", 1).add("run-directory", 1);
  const po::variables_map values = parse("repro", words, options, positional);
  if (values.count("help") > 0) return HelpArguments{"repro"};

  ReproArguments repro;
  repro.trial_id = value_or(values, "trial", std::string());
  repro.run_directory = value_or(values, "run-directory", std::string());
  repro.provider_dirs = paths_from(values, "provider-dir");
  repro.is_profile = values.count("profile") > 0;
  if (repro.trial_id.empty() || repro.run_directory.empty()) {
    throw UsageError("repro: which trial of which run?",
                     "`attnbench repro TRIAL_ID RUN_DIR`; summary.csv of a run lists its trials");
  }
  return repro;
}

Arguments parse_validate(const Texts& words) {
  po::options_description options;
  options.add_options()("providers", po::value<Texts>())("level", po::value<std::string>())(
      "filter", po::value<std::string>())("json", po::value<std::string>())("matrix", "")(
      "verbose,v", "")("provider-dir", po::value<Texts>())("help,h", "");
  po::positional_options_description positional;
  positional.add("providers", -1);
  const po::variables_map values = parse("validate", words, options, positional);
  if (values.count("help") > 0) return HelpArguments{"validate"};

  ValidateArguments validate;
  validate.providers = comma_list(value_or(values, "providers", Texts{}), "validate");
  const std::string level = value_or(values, "level", std::string("contract"));
  const std::optional<Level> known = enum_from_text(kLevels, level);
  if (!known) {
    throw UsageError(fmt::format("--level: unknown level \"{}\"", level),
                     suggest(level, enum_texts(kLevels)));
  }
  validate.level = *known;
  validate.filter = value_or(values, "filter", std::string());
  validate.json_file = value_or(values, "json", std::string());
  validate.provider_dirs = paths_from(values, "provider-dir");
  validate.is_matrix = values.count("matrix") > 0;
  validate.is_verbose = values.count("verbose") > 0;
  return validate;
}

}  // namespace

Arguments parse_arguments(const Texts& words) {
  if (words.empty()) return HelpArguments{};
  const std::string& verb = words.front();
  const Texts rest(words.begin() + 1, words.end());
  if (verb == "run") return parse_run(rest);
  if (verb == "list") return parse_list(rest);
  if (verb == "doctor") return parse_doctor(rest);
  if (verb == "report") return parse_report(rest);
  if (verb == "compare") return parse_compare(rest);
  if (verb == "merge") return parse_merge(rest);
  if (verb == "repro") return parse_repro(rest);
  if (verb == "validate") return parse_validate(rest);
  if (verb == "help" || verb == "--help" || verb == "-h") {
    return HelpArguments{rest.empty() ? "" : rest.front()};
  }
  if (verb == "--version") return VersionArguments{};
  throw UsageError(fmt::format("\"{}\" is no verb of attnbench", verb), suggest(verb, kVerbs));
}

}  // namespace attnbench
