#include "validate/validate.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <utility>

#include "supervise/worker_client.h"
#include "validate/device.h"
#include "validate/finite_differences.h"
#include "validate/numerics.h"

namespace attnbench {
namespace {

// What an attempt to gather facts came to.
struct Gathered {
  ContractReply facts;
  std::optional<CheckOutcome> end;  // instead of facts; its check is still to be filled in
};

CheckResult result_of(Outcome outcome) {
  if (outcome == Outcome::timed_out) return CheckResult::timeout;
  if (outcome == Outcome::crashed || outcome == Outcome::protocol_error) return CheckResult::crash;
  return outcome == Outcome::unsupported ? CheckResult::skip : CheckResult::fail;
}

CheckOutcome outcome_of(const Death& death) {
  return {nullptr, result_of(death.outcome), death.message};
}

CheckOutcome outcome_of(const Failure& failure) {
  return {nullptr, result_of(failure.outcome), failure.message};
}

// The provider's workers in this check see no GPU at all.
WorkerSettings without_devices(WorkerSettings settings) {
  std::erase_if(settings.environment,
                [](const std::string& text) { return text.starts_with("CUDA_VISIBLE_DEVICES="); });
  settings.environment.emplace_back("CUDA_VISIBLE_DEVICES=");
  return settings;
}

// The plain forward pass also tells whether the provider keeps to its own memory and time: checks
// of their own, by the detail code of its end.
constexpr std::pair<std::string_view, std::string_view> kManners[] = {
    {"num-bounds", "out-of-bounds"},
    {"num-inputs", "input-changed"},
    {"num-late-write", "late-write"}};

bool breaks_manners(const End& end) {
  return std::any_of(std::begin(kManners), std::end(kManners),
                     [&](const auto& row) { return row.second == end.detail; });
}

bool is_of_manners(std::string_view check_id) {
  return std::any_of(std::begin(kManners), std::end(kManners),
                     [&](const auto& row) { return row.first == check_id; });
}

class Course {
 public:
  Course(const ProviderInfo& provider, const ValidateSettings& settings,
         const std::atomic<bool>& stop)
      : provider_(provider), settings_(settings), stop_(stop), device_(best_device(provider)) {}

  Validation run();

 private:
  CheckOutcome make(const Check& check);
  CheckOutcome from_scan(const Check& check) const;
  CheckOutcome from_facts(const Check& check);
  CheckOutcome from_problems(const Check& check);
  const Gathered& gather(std::string_view group);
  Gathered ask(std::string_view group, const std::filesystem::path& cache_dir);
  Gathered ask_with_own_cache();
  std::optional<Problem> find_problem();
  bool is_wanted(const Check& check) const {
    return !settings_.is_wanted || settings_.is_wanted(check.id);
  }
  bool must_be_made(const Check& check) const {
    return check.id == kFirstOfContract || check.id == kFirstOfNumerics ||
           check.group == kFromScan || is_wanted(check);
  }

  const ProviderInfo& provider_;
  const ValidateSettings& settings_;
  const std::atomic<bool>& stop_;
  std::string device_;
  Problem problem_;  // what the contract calls are variations of
  std::map<std::string_view, Gathered> gathered_;
  ContractReply all_calls_;
  uint64_t printed_bytes_ = 0;
  std::optional<End> forward_end_;  // of num-forward
  std::string skip_rest_;           // why nothing more is asked
};

// Problems that contract calls may vary, the most ordinary one first.
std::vector<Problem> ordinary_problems(const ProviderInfo& provider) {
  std::vector<Problem> problems;
  for (const auto& [dtype, name] : kDtypes) {
    if (std::find(provider.dtypes.begin(), provider.dtypes.end(), name) == provider.dtypes.end()) {
      continue;
    }
    for (const Bias bias : {Bias::none, Bias::bh}) {
      Problem problem;
      problem.dtype = dtype;
      problem.batch = 2;
      problem.heads = problem.kv_heads = 4;
      problem.seqlen_q = problem.seqlen_kv = 128;
      problem.head_dim = 64;
      problem.bias = bias;
      problems.push_back(problem);
    }
  }
  return problems;
}

// What one worker leaves in the cache, the next finds damaged; no other cache is put at risk.
Gathered Course::ask_with_own_cache() {
  const std::filesystem::path cache = std::filesystem::absolute(settings_.run.worker.log_dir) /
                                      fmt::format("cache-of-{}-{}", provider_.id, getpid());
  Gathered gathered = ask("good-cache", cache);
  if (!gathered.end) gathered = ask(kFromBadCaches, cache);
  std::error_code error;  // what cannot be removed is a leftover among logs, no fault
  std::filesystem::remove_all(cache, error);
  return gathered;
}

Gathered Course::ask(std::string_view group, const std::filesystem::path& cache_dir) {
  const bool is_blind = group == "no-devices";
  WorkerClient worker(is_blind ? without_devices(settings_.run.worker) : settings_.run.worker,
                      "validate-" + provider_.id, stop_);
  const Answer<HelloReply> hello = worker.hello();
  if (const Death* death = std::get_if<Death>(&hello)) return {{}, outcome_of(*death)};
  if (const Failure* failure = std::get_if<Failure>(&hello)) return {{}, outcome_of(*failure)};
  const Answer<ContractReply> answer =
      worker.call(ContractRequest{provider_.path, provider_.id, device_.empty() ? "cpu" : device_,
                                  cache_dir.string(), std::string(group), problem_});
  printed_bytes_ += worker.printed_bytes();
  if (const Death* death = std::get_if<Death>(&answer)) return {{}, outcome_of(*death)};
  if (const Failure* failure = std::get_if<Failure>(&answer)) return {{}, outcome_of(*failure)};
  const ContractReply& facts = std::get<ContractReply>(answer);
  all_calls_.calls.insert(all_calls_.calls.end(), facts.calls.begin(), facts.calls.end());
  return {facts, std::nullopt};
}

const Gathered& Course::gather(std::string_view group) {
  const auto known = gathered_.find(group);
  if (known != gathered_.end()) return known->second;
  if (group == kFromBadCaches) {
    return gathered_.emplace(group, ask_with_own_cache()).first->second;
  }
  if (group != kFromAllCalls) {
    return gathered_.emplace(group, ask(group, settings_.run.cache_dir)).first->second;
  }
  Gathered all{all_calls_, std::nullopt};
  all.facts.promises.push_back(
      {fmt::format("no call prints (there are {} bytes in the worker's log)", printed_bytes_),
       printed_bytes_ == 0});
  return gathered_.emplace(group, std::move(all)).first->second;
}

CheckOutcome Course::from_scan(const Check& check) const {
  const std::string_view failed = failed_scan_check(provider_.state);
  if (failed != check.id) return {&check, CheckResult::pass, ""};
  CheckResult result = CheckResult::fail;
  if (provider_.state == LibraryState::crashed) result = CheckResult::crash;
  if (provider_.state == LibraryState::hung) result = CheckResult::timeout;
  return {&check, result, provider_.reason};
}

CheckOutcome Course::from_facts(const Check& check) {
  const Gathered& gathered = gather(check.group);
  if (gathered.end) return {&check, gathered.end->result, gathered.end->why};
  if (!gathered.facts.inapplicable.empty()) {
    return {&check, CheckResult::skip, gathered.facts.inapplicable};
  }
  const std::string why = check.judge(gathered.facts);
  if (why.empty()) return {&check, CheckResult::pass, ""};
  const bool is_must = check.severity == Severity::must;
  return {&check, is_must ? CheckResult::fail : CheckResult::warn, why};
}

class Unseen final : public RunObserver {
 public:
  void record(const Record&) override {}
};

CheckOutcome Course::from_problems(const Check& check) {
  const std::vector<Problem> problems = problems_of(check.id, provider_);
  if (problems.empty()) return {&check, CheckResult::skip, "it declares nothing of the kind"};
  Unseen observer;
  RunContext context(settings_.run, observer, stop_);
  std::string refusal;
  size_t refused = 0;
  for (const Problem& problem : problems) {
    const std::optional<End> end = check.group == kFromSlopes
                                       ? compare_with_slopes(context, provider_, device_, problem)
                                       : verify_problem(context, provider_, device_, problem);
    if (!end) continue;
    const std::string why = fmt::format("{}: {}", to_text(problem), end->message);
    if (end->outcome == Outcome::unsupported) {
      refusal = why;
      ++refused;
      continue;
    }
    if (check.id == kFirstOfNumerics) {
      forward_end_ = end;
      if (breaks_manners(*end)) return {&check, CheckResult::pass, ""};
    }
    return {&check, result_of(end->outcome), why};
  }
  if (refused == problems.size()) return {&check, CheckResult::skip, refusal};
  return {&check, CheckResult::pass, ""};
}

CheckOutcome Course::make(const Check& check) {
  if (check.group == kFromScan) return from_scan(check);
  if (check.id.starts_with(kGpuPrefix) && !device_.starts_with("cuda")) {
    return {&check, CheckResult::skip, "it is asked of providers on a GPU"};
  }
  if (check.group == kFromSlopes) return from_problems(check);
  if (!check.group.empty()) return from_facts(check);
  for (const auto& [id, detail] : kManners) {
    if (check.id != id) continue;
    if (!forward_end_ || forward_end_->detail != detail) return {&check, CheckResult::pass, ""};
    return {&check, CheckResult::fail, forward_end_->message};
  }
  return from_problems(check);
}

// The first ordinary problem that the provider does not refuse.
std::optional<Problem> Course::find_problem() {
  for (const Problem& problem : ordinary_problems(provider_)) {
    problem_ = problem;
    gathered_.erase("support");
    const Gathered& gathered = gather("support");
    const bool is_refused = gathered.end ? gathered.end->result == CheckResult::skip
                                         : !gathered.facts.calls.empty() &&
                                               gathered.facts.calls.front().status / 1000 == 1;
    if (!is_refused) return problem;
  }
  return std::nullopt;
}

Validation Course::run() {
  Validation validation;
  validation.provider = provider_.id.empty()
                            ? std::filesystem::path(provider_.path).filename().string()
                            : provider_.id;
  validation.path = provider_.path;
  validation.device = device_;
  for (const Check& check : all_checks()) {
    if (check.level > settings_.level || !must_be_made(check)) continue;
    if (check.id == kFirstOfContract && skip_rest_.empty()) {
      if (device_.empty()) {
        skip_rest_ = "it is usable on no device of this machine";
      } else if (!find_problem()) {
        skip_rest_ = "it takes none of the ordinary problems that validate asks for";
      }
    }
    CheckOutcome outcome{&check, CheckResult::skip, skip_rest_};
    if (skip_rest_.empty()) outcome = make(check);
    const bool others_need_it = check.group == kFromScan || check.id == kFirstOfContract ||
                                check.id == kFirstOfNumerics || is_of_manners(check.id);
    if (skip_rest_.empty() && others_need_it && is_failure(outcome)) {
      skip_rest_ = fmt::format("{} failed", check.id);
    }
    if (is_wanted(check)) validation.outcomes.push_back(std::move(outcome));
  }
  return validation;
}

}  // namespace

int Validation::count(CheckResult result) const {
  return static_cast<int>(
      std::count_if(outcomes.begin(), outcomes.end(),
                    [&](const CheckOutcome& outcome) { return outcome.result == result; }));
}

bool Validation::has_failure() const {
  return std::any_of(outcomes.begin(), outcomes.end(), is_failure);
}

Validation validate(const ProviderInfo& provider, const ValidateSettings& settings,
                    const std::atomic<bool>& stop) {
  return Course(provider, settings, stop).run();
}

}  // namespace attnbench
