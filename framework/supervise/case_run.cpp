#include "supervise/case_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <utility>

#include "model/work.h"
#include "supervise/trial_life.h"

namespace attnbench {
namespace {

// To be run with the device to itself, later in the case.
struct Later {
  TrialLife* life = nullptr;
  bool in_fresh_worker = false;
  std::string death;  // what it is retried after; empty: it only needs the room
};

std::pair<std::string, std::string> worker_of(const TrialLife* life) {
  return {life->provider().id, life->trial().device};
}

class CaseRun {
 public:
  CaseRun(RunContext& context, References& references, const std::vector<CaseTrial>& trials);
  void run();

 private:
  bool prepare_together();  // false: they do not fit
  void measure_in_rounds();
  std::optional<End> next_burst(TrialLife& life, int round);
  void conclude_waiting();
  void run_alone(const Later& later);
  std::optional<End> get_ready(TrialLife& life);
  void settle(TrialLife& life, const End& end, bool is_alone);
  void blame(const TrialLife& life);
  bool is_over_memory(const TrialLife& newcomer) const;

  RunContext& context_;
  const Problem& problem_;
  std::deque<TrialLife> lives_;     // a deque: they are pointed to
  std::vector<TrialLife*> active_;  // prepared together, still being measured
  TrialLife* waiting_ = nullptr;    // measured, not concluded
  std::deque<Later> later_;
};

CaseRun::CaseRun(RunContext& context, References& references, const std::vector<CaseTrial>& trials)
    : context_(context), problem_(trials.front().trial->problem) {
  for (const CaseTrial& entry : trials) {
    lives_.emplace_back(context, references, *entry.trial, *entry.provider);
  }
}

void CaseRun::run() {
  if (prepare_together()) {
    measure_in_rounds();
  } else {
    for (TrialLife* life : active_) later_.push_back({life, false, ""});
  }
  while (!later_.empty()) {
    const Later later = later_.front();
    later_.pop_front();
    run_alone(later);
  }
  context_.pool.end_cases();
}

bool CaseRun::prepare_together() {
  const bool has_company = lives_.size() > 1;
  bool fits = true;
  for (TrialLife& life : lives_) {
    fits = fits && !(has_company && is_over_memory(life));
    if (!fits) {
      active_.push_back(&life);
      continue;
    }
    context_.observer.trial_started(life.trial());
    if (const std::optional<End> end = get_ready(life)) {
      settle(life, *end, !has_company);
      continue;
    }
    active_.push_back(&life);
    fits = !(has_company && is_over_memory(life));
  }
  return fits;
}

// What the workers of this case hold, and would hold with the newcomer among them.
bool CaseRun::is_over_memory(const TrialLife& newcomer) const {
  const std::string& device = newcomer.trial().device;
  const DeviceFacts* facts = context_.pool.facts(device);
  if (facts == nullptr) return false;  // no worker yet, so nothing is held
  double planned_bytes = static_cast<double>(context_.pool.tensor_bytes(device));
  if (!context_.pool.has_begun(newcomer.provider(), device))
    planned_bytes += tensor_bytes(problem_);
  for (const TrialLife* life : active_) {
    planned_bytes += static_cast<double>(life->workspace_bytes());
  }
  return planned_bytes > context_.settings.memory_fraction * static_cast<double>(facts->free_bytes);
}

// Where they end together, who has enough goes on until a round begins in which all have.
//
// A trial that is done is concluded after the next burst: what its provider writes late has had
// its time by then. Hence workers alternate where they can; in the same worker the next burst would
// write over the outputs.
void CaseRun::measure_in_rounds() {
  active_ = by_turns(active_, worker_of);
  for (int round = 0; !active_.empty(); ++round) {
    std::vector<TrialLife*> left = active_;
    const bool is_last = active_.size() == 1 ||
                         std::all_of(active_.begin(), active_.end(),
                                     [](const TrialLife* life) { return life->has_enough(); });
    for (size_t i : rotated(active_.size(), static_cast<size_t>(round))) {
      TrialLife& life = *active_[i];
      if (waiting_ != nullptr && worker_of(waiting_) == worker_of(&life)) conclude_waiting();
      const std::optional<End> end = next_burst(life, round);
      conclude_waiting();
      if (end) {
        settle(life, *end, lives_.size() == 1);
      } else if (life.has_enough() && (is_last || !life.can_go_on())) {
        waiting_ = &life;
      } else {
        continue;
      }
      std::erase(left, &life);
    }
    active_ = std::move(left);
  }
  conclude_waiting();
}

void CaseRun::conclude_waiting() {
  if (waiting_ == nullptr) return;
  TrialLife& life = *std::exchange(waiting_, nullptr);
  settle(life, life.conclude(), lives_.size() == 1);
}

// Before the first one, and after the worker was lost to another trial, with preparation.
std::optional<End> CaseRun::next_burst(TrialLife& life, int round) {
  if (!life.is_ready()) {
    if (std::optional<End> end = get_ready(life)) return end;
  }
  return life.burst(round);
}

std::optional<End> CaseRun::get_ready(TrialLife& life) {
  const Trial& trial = life.trial();
  if (std::optional<std::string> why = context_.quarantine.reason(trial.provider, trial.options)) {
    return End{Outcome::quarantined, "quarantined", *why, false};
  }
  return life.get_ready();
}

void CaseRun::run_alone(const Later& later) {
  TrialLife& life = *later.life;
  const bool is_retry = !later.death.empty();
  context_.pool.end_cases();
  if (later.in_fresh_worker) context_.pool.end(life.provider(), life.trial().device);
  life.start_over(is_retry);
  context_.observer.trial_started(life.trial());
  std::optional<End> end;
  for (int round = 0; !end; ++round) {
    end = next_burst(life, round);
    if (!end && life.has_enough()) end = life.conclude();
  }
  if (is_retry && end->outcome == Outcome::ok) {
    life.warn("contaminated: passed alone in a fresh worker; before that, " + later.death);
  }
  settle(life, *end, true);
}

void CaseRun::settle(TrialLife& life, const End& end, bool is_alone) {
  if (end.has_lost_worker) {
    context_.observer.note(fmt::format("{}: {}", life.trial().provider, end.message));
    context_.pool.end(life.provider(), life.trial().device);
    if (life.record().attempts < kMaxAttempts) {
      later_.push_back({&life, true, end.message});
      return;
    }
    blame(life);
  } else {
    life.release();
    if (end.outcome == Outcome::out_of_memory && !is_alone) {
      later_.push_back({&life, true, ""});
      return;
    }
  }
  if (end.outcome == Outcome::ok) context_.quarantine.count_ok(life.trial().provider);
  context_.finish(life.recorded(end));
}

void CaseRun::blame(const TrialLife& life) {
  const Trial& trial = life.trial();
  context_.quarantine.count_death(trial.provider, trial.options);
  const std::optional<std::string> reason =
      context_.quarantine.reason(trial.provider, trial.options);
  if (reason) context_.observer.note(fmt::format("quarantined from here on: {}", *reason));
}

}  // namespace

void run_case(RunContext& context, References& references, const std::vector<CaseTrial>& trials) {
  CaseRun(context, references, trials).run();
}

}  // namespace attnbench
