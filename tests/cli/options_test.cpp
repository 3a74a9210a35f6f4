#include "cli/options.h"

#include "support/catch.h"

namespace attnbench {
namespace {

RunArguments run_arguments(const std::vector<std::string>& words) {
  return std::get<RunArguments>(parse_arguments(words));
}

// What the terminal would show.
std::string complaint(const std::vector<std::string>& words) {
  try {
    parse_arguments(words);
  } catch (const UsageError& error) {
    return error.line();
  }
  return "no complaint";
}

}  // namespace

TEST_CASE("run takes a sweep and everything that changes it", "[cli]") {
  const RunArguments run = run_arguments({"run",
                                          "quick",
                                          "--out",
                                          "there",
                                          "--providers",
                                          "a,b",
                                          "--providers",
                                          "c",
                                          "-a",
                                          "seqlen=1,2",
                                          "--overlay",
                                          "d,e",
                                          "-abatch=3",
                                          "--axis",
                                          "heads=4",
                                          "--effort",
                                          "grid",
                                          "--seed",
                                          "7",
                                          "--dry-run",
                                          "--provider-dir",
                                          "x",
                                          "--provider-dir=y"});
  CHECK(run.sweep == "quick");
  CHECK(run.out == "there");
  CHECK(run.providers == std::vector<std::string>{"a", "b", "c"});
  CHECK(run.overlays == std::vector<std::string>{"d", "e"});
  CHECK(run.axes == std::vector<std::string>{"seqlen=1,2", "batch=3", "heads=4"});
  CHECK(run.effort == Effort::grid);
  CHECK(run.seed == 7u);
  CHECK(run.is_dry_run);
  CHECK(run.provider_dirs == std::vector<std::filesystem::path>{"x", "y"});
}

TEST_CASE("a filter may begin with a minus", "[cli]") {
  CHECK(run_arguments({"run", "quick", "--filter", "-mode=bwd", "--filter=-x", "--filter", "y"})
            .filters == std::vector<std::string>{"-mode=bwd", "-x", "y"});
}

TEST_CASE("a mistake on the command line is told with what to do", "[cli]") {
  CHECK(complaint({"rum", "quick"}) == "\"rum\" is no verb of attnbench -- did you mean \"run\"?");
  CHECK(complaint({"run", "quick", "--provider", "x"}).find("did you mean \"--providers\"?") !=
        std::string::npos);
  CHECK(complaint({"run"}).find("list sweeps") != std::string::npos);
  CHECK(complaint({"run", "quick", "--effort", "headlines"}).find("did you mean \"headline\"?") !=
        std::string::npos);
  CHECK(complaint({"run", "quick", "--seed", "-1"}).find("--seed") != std::string::npos);
  CHECK(complaint({"run", "quick", "--seed", "12345678901234567890"}).find("19 digits") !=
        std::string::npos);
  CHECK(complaint({"run", "quick", "slow"}).find("more than one name") != std::string::npos);
  CHECK(complaint({"run", "quick", "--out"}).find("--out") != std::string::npos);
  CHECK(complaint({"run", "quick", "--providers", "a,,b"}).find("empty name") != std::string::npos);
  CHECK(complaint({"list", "provider"}).find("did you mean \"providers\"?") != std::string::npos);
  CHECK(complaint({"list"}).find("providers, sweeps, devices") != std::string::npos);
}

TEST_CASE("a resumed run keeps its own sweep", "[cli]") {
  CHECK(run_arguments({"run", "--resume", "runs/x"}).resume == "runs/x");
  CHECK(complaint({"run", "--resume", "runs/x", "-a", "batch=1"}).find("own sweep") !=
        std::string::npos);
  CHECK(complaint({"run", "quick", "--resume", "a", "--out", "b"}).find("contradict") !=
        std::string::npos);
}

TEST_CASE("report and repro take the run they are about", "[cli]") {
  const auto report = std::get<ReportArguments>(parse_arguments({"report", "runs/x", "--md"}));
  CHECK(report.run_directory == "runs/x");
  CHECK(report.is_markdown);
  CHECK_FALSE(report.is_export());
  const auto other = std::get<ReportArguments>(parse_arguments(
      {"report", "x", "--open", "--sqlite", "a.db", "--nvbench=b", "--google-benchmark", "c"}));
  CHECK(other.is_opened);
  CHECK(other.is_export());
  CHECK(other.sqlite_file == "a.db");
  CHECK(other.nvbench_file == "b");
  CHECK(other.google_benchmark_file == "c");
  const auto repro = std::get<ReproArguments>(
      parse_arguments({"repro", "3fa9", "runs/x", "--profile", "--provider-dir", "y"}));
  CHECK(repro.trial_id == "3fa9");
  CHECK(repro.run_directory == "runs/x");
  CHECK(repro.is_profile);
  CHECK(repro.provider_dirs == std::vector<std::filesystem::path>{"y"});
  CHECK(complaint({"report"}).find("attnbench report runs/") != std::string::npos);
  CHECK(complaint({"repro", "3fa9"}).find("TRIAL_ID RUN_DIR") != std::string::npos);
  CHECK(complaint({"report", "a", "b"}).find("more than one name") != std::string::npos);
}

TEST_CASE("compare takes two runs, or one with two providers", "[cli]") {
  const auto compare = [](const std::vector<std::string>& words) {
    return std::get<CompareArguments>(parse_arguments(words));
  };
  const CompareArguments two = compare({"compare", "a", "b", "--min-effect", "2.5", "--anyway",
                                        "--fail-on-regression", "--json", "f", "--html", "g"});
  CHECK(two.runs == std::vector<std::filesystem::path>{"a", "b"});
  CHECK(two.min_effect_percent == 2.5);
  CHECK(two.is_anyway);
  CHECK(two.fails_on_regression);
  CHECK(two.json_file == "f");
  CHECK(two.html_file == "g");
  CHECK(compare({"compare", "a", "--providers", "x:threads=1,y"}).providers ==
        std::vector<std::string>{"x:threads=1", "y"});
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"compare"}, {"compare", "a"}, {"compare", "a", "b", "c"}}) {
    CHECK(complaint(words).find("attnbench compare BASE NEW") != std::string::npos);
  }
  CHECK(complaint({"compare", "a", "--providers", "x"}).find("what with what") !=
        std::string::npos);
  CHECK(complaint({"compare", "a", "b", "--min-effect", "much"}).find("--min-effect 2") !=
        std::string::npos);
}

TEST_CASE("merge takes pieces and a place for the whole", "[cli]") {
  const auto merge =
      std::get<MergeArguments>(parse_arguments({"merge", "a", "b", "c", "--out", "d"}));
  CHECK(merge.runs.size() == 3);
  CHECK(merge.out == "d");
  CHECK(complaint({"merge", "a", "--out", "d"}).find("which pieces") != std::string::npos);
  CHECK(complaint({"merge", "a", "b"}).find("--out DIR") != std::string::npos);
}

TEST_CASE("validate takes providers, a level and what to leave out", "[cli]") {
  const auto validate = [](const std::vector<std::string>& words) {
    return std::get<ValidateArguments>(parse_arguments(words));
  };
  CHECK(validate({"validate"}).level == Level::contract);
  const ValidateArguments all = validate(
      {"validate", "a", "b", "--level", "numerics", "--filter", "-x", "--json", "f", "-v"});
  CHECK(all.providers == std::vector<std::string>{"a", "b"});
  CHECK(all.level == Level::numerics);
  CHECK(all.filter == "-x");
  CHECK(all.json_file == "f");
  CHECK(all.is_verbose);
  CHECK(validate({"validate", "--matrix"}).is_matrix);
  CHECK(complaint({"validate", "--level", "scam"}) ==
        "--level: unknown level \"scam\" -- did you mean \"scan\"?");
}

TEST_CASE("doctor takes flags and no names", "[cli]") {
  const auto doctor = std::get<DoctorArguments>(
      parse_arguments({"doctor", "--strict", "--json", "--provider-dir", "x"}));
  CHECK(doctor.is_strict);
  CHECK(doctor.is_json);
  CHECK(doctor.provider_dirs == std::vector<std::filesystem::path>{"x"});
  CHECK(complaint({"doctor", "me"}).find("doctor") == 0);
}

TEST_CASE("help is reached by every usual road", "[cli]") {
  CHECK(std::get<HelpArguments>(parse_arguments({})).topic.empty());
  CHECK(std::get<HelpArguments>(parse_arguments({"--help"})).topic.empty());
  CHECK(std::get<HelpArguments>(parse_arguments({"help", "run"})).topic == "run");
  CHECK(std::get<HelpArguments>(parse_arguments({"run", "--help"})).topic == "run");
  CHECK(std::get<HelpArguments>(parse_arguments({"list", "-h"})).topic == "list");
}

}  // namespace attnbench
