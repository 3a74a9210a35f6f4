#include "supervise/trial_life.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "measure/peak.h"
#include "measure/plausibility.h"
#include "model/work.h"

namespace attnbench {
namespace {

constexpr int kVariants = 2;

End end_of(const Failure& failure) {
  End end;
  end.outcome = failure.outcome;
  end.detail = failure.detail;
  if (end.detail.empty() && failure.status != 0) end.detail = detail_of_status(failure.status);
  end.message = failure.message;
  end.has_lost_worker = failure.is_poisoned;
  return end;
}

End end_of(const Death& death) {
  return {death.outcome, death.detail, death.message, true};
}

template <typename Reply>
std::optional<End> end_in(const Answer<Reply>& answer) {
  if (const Failure* failure = std::get_if<Failure>(&answer)) return end_of(*failure);
  if (const Death* death = std::get_if<Death>(&answer)) return end_of(*death);
  return std::nullopt;
}

DeviceLimits limits_of(const DeviceFacts& facts, Dtype dtype) {
  DeviceLimits limits;
  limits.peak_tflops = device_peak_tflops(facts, dtype);
  limits.peak_gbps = facts.peak_gbps;
  if (facts.cache_bytes > 0) limits.l2_bytes = facts.cache_bytes;
  return limits;
}

bool writes_lse(const ProviderInfo& provider) {
  const std::vector<std::string>& features = provider.features;
  return std::find(features.begin(), features.end(), "lse") != features.end();
}

// Whether the record can be written and read with it.
bool is_state(const std::string& text) {
  try {
    const Json record = parse_json("{\"state\":[" + text + "]}", "record");
    return record.size() == 1 && record["state"].size() == 1 && record["state"][0].is_object();
  } catch (const Error&) {
    return false;
  }
}

bool is_sane(const BurstReply& reply) {
  for (double sample_ms : reply.samples_ms) {
    if (!std::isfinite(sample_ms) || sample_ms <= 0) return false;
  }
  if (!std::isfinite(reply.busy_ms) || reply.busy_ms < 0) return false;
  return !reply.samples_ms.empty() && reply.calls_per_sample >= 1 && reply.last_variant >= 0 &&
         reply.last_variant < kVariants && is_state(reply.state_json);
}

// Of two errors of one output the one that came closer to being too large.
bool is_worse(const RoleComparison& comparison, const RoleError& kept) {
  return comparison.max_error * kept.allowed_error > kept.max_error * comparison.allowed_error;
}

}  // namespace

TrialLife::TrialLife(RunContext& context, References& references, const Trial& trial,
                     const ProviderInfo& provider)
    : context_(context),
      references_(references),
      trial_(trial),
      provider_(provider),
      rule_(stopping_rule(context.settings.measure.effort, trial.device)),
      started_(std::chrono::steady_clock::now()) {
  begin(1, true, utc_iso());
}

void TrialLife::start_over(bool is_retry) {
  begin(record_.attempts + (is_retry ? 1 : 0), false, record_.started_utc);
}

void TrialLife::begin(int attempts, bool is_interleaved, std::string started_utc) {
  record_ = Record{};
  record_.trial_id = trial_id(trial_);
  record_.trial = trial_;
  record_.attempts = attempts;
  record_.interleaved = is_interleaved;
  record_.provider_sha256 = provider_.sha256;
  record_.provider_version = provider_.version;
  record_.started_utc = std::move(started_utc);
  decision_ = Decision{};
  spent_s_ = estimate_ms_ = 0.0;
  states_.clear();
  noise_bytes_ = 0;
  generation_ = 0;
}

bool TrialLife::is_ready() const {
  return generation_ != 0 && generation_ == context_.pool.generation(provider_, trial_.device);
}

std::optional<End> TrialLife::get_ready() {
  const Answer<ReadyWorker> answer = context_.pool.ready(provider_, trial_.device, trial_.problem);
  if (std::optional<End> end = end_in(answer)) return end;
  const ReadyWorker& ready = std::get<ReadyWorker>(answer);
  worker_ = ready.client;
  const DeviceFacts& facts = *context_.pool.facts(trial_.device);
  const std::optional<double> peak_tflops = device_peak_tflops(facts, trial_.problem.dtype);
  expect_duration(peak_tflops ? flops(trial_.problem) / *peak_tflops * 1e-9 : 0.0);
  if (std::optional<End> end = prepare(*worker_)) return end;
  generation_ = ready.generation;
  return verify(*worker_);
}

void TrialLife::expect_duration(double call_ms) {
  worker_->expect_execute_seconds(call_ms * 1e-3);
}

std::optional<End> TrialLife::prepare(WorkerClient& worker) {
  const Answer<PrepareReply> answer = worker.call(PrepareRequest{record_.trial_id, trial_.options});
  if (std::optional<End> end = end_in(answer)) return end;
  record_.prepare_ms = std::get<PrepareReply>(answer).prepare_ms;
  record_.plan = std::get<PrepareReply>(answer).plan;
  return std::nullopt;
}

std::optional<End> TrialLife::verify(WorkerClient& worker) {
  const uint64_t printed_before = worker.printed_bytes();
  for (int variant = 0; variant < kVariants; ++variant) {
    const Answer<RunOnceReply> answer = worker.call(RunOnceRequest{record_.trial_id, variant});
    if (std::optional<End> end = end_in(answer)) return end;
    estimate_ms_ = std::get<RunOnceReply>(answer).elapsed_ms;
    if (std::optional<End> end = compare_rows(worker, variant)) return end;
    if (!trial_.problem.has_backward()) continue;
    if (std::optional<End> end = compare_sums(worker, variant)) return end;
  }
  noise_bytes_ += worker.printed_bytes() - printed_before;
  return std::nullopt;
}

std::optional<End> TrialLife::compare_rows(WorkerClient& worker, int variant) {
  const bool with_lse = writes_lse(provider_);
  const std::vector<RowAddress> rows = references_.rows(variant, with_lse);
  const Answer<std::vector<float>> answer =
      worker.rows(RowsRequest{record_.trial_id, rows}, references_.numbers_in(variant, with_lse));
  if (std::optional<End> end = end_in(answer)) return end;
  return explained(judge_errors(
      references_.compare_rows(variant, with_lse, std::get<std::vector<float>>(answer))));
}

std::optional<End> TrialLife::compare_sums(WorkerClient& worker, int variant) {
  for (const char* role : {"dk", "dv"}) {
    const Answer<std::vector<double>> answer =
        worker.sums(SumsRequest{record_.trial_id, role}, references_.numbers_in_sums());
    if (std::optional<End> end = end_in(answer)) return end;
    const RoleComparison comparison =
        references_.compare_sums(variant, role, std::get<std::vector<double>>(answer));
    const Verdict verdict = judge({&comparison, 1});
    if (verdict.outcome == Outcome::ok) continue;
    return explained(
        End{verdict.outcome, "identity", "sum over the sequence of " + verdict.message, false});
  }
  return std::nullopt;
}

std::optional<End> TrialLife::judge_errors(std::vector<RoleComparison> comparisons) {
  keep_errors(comparisons);
  const Verdict verdict = judge(comparisons);
  if (verdict.outcome == Outcome::ok) return std::nullopt;
  return End{verdict.outcome, verdict.detail, verdict.message, false};
}

// Who writes to inputs or out of bounds computes wrong numbers, too; the broken rule is the cause.
std::optional<End> TrialLife::explained(const std::optional<End>& wrong) {
  if (!wrong) return std::nullopt;
  std::optional<End> broken_rule = check_manners();
  return broken_rule ? broken_rule : wrong;
}

void TrialLife::keep_errors(const std::vector<RoleComparison>& comparisons) {
  for (const RoleComparison& comparison : comparisons) {
    const auto same_role = [&](const RoleError& kept) { return kept.role == comparison.role; };
    std::vector<RoleError>& errors = record_.errors;
    std::vector<RoleError>::iterator kept = std::find_if(errors.begin(), errors.end(), same_role);
    if (kept == errors.end()) {
      errors.push_back(
          {comparison.role, comparison.max_error, comparison.allowed_error, comparison.rows});
      continue;
    }
    kept->rows += comparison.rows;
    if (!is_worse(comparison, *kept)) continue;
    kept->max_error = comparison.max_error;
    kept->allowed_error = comparison.allowed_error;
  }
}

// Of a trial that goes on though it has enough: bursts like its last one.
int TrialLife::further_samples() const {
  const std::vector<int>& rounds = record_.sample_rounds;
  const auto like_the_last = std::count(rounds.begin(), rounds.end(), rounds.back());
  return std::min(static_cast<int>(like_the_last),
                  rule_.max_samples - static_cast<int>(rounds.size()));
}

BurstRequest TrialLife::next_burst() {
  BurstRequest request;
  request.trial_id = record_.trial_id;
  request.warmup_calls = context_.secret.between(rule_.min_warmup_calls, rule_.max_warmup_calls);
  request.warmup_ms = record_.samples_ms.empty() ? rule_.first_warmup_ms : rule_.warmup_ms;
  request.max_samples = decision_.has_to_stop ? further_samples() : decision_.next_samples;
  request.min_sample_ms = rule_.min_sample_ms;
  request.cold_cache = context_.settings.measure.cache == Cache::cold;
  request.first_variant = context_.secret.between(0, kVariants - 1);
  request.protocol = context_.settings.measure.protocol;
  // One or two switches, where the burst is long enough: an answer kept from the call before is
  // wrong at a moment that the provider cannot foresee.
  for (int i = context_.secret.between(1, 2); i > 0 && request.max_samples > 1; --i) {
    request.switch_before.push_back(context_.secret.between(1, request.max_samples - 1));
  }
  std::vector<int>& points = request.switch_before;
  std::sort(points.begin(), points.end());
  points.erase(std::unique(points.begin(), points.end()), points.end());
  return request;
}

bool TrialLife::can_go_on() const {
  return may_go_on(rule_, decision_, record_.samples_ms.size(), spent_s_);
}

std::optional<End> TrialLife::burst(int round) {
  decision_ = decide(rule_, record_.samples_ms, spent_s_, estimate_ms_);
  if (decision_.has_to_stop && !can_go_on()) return std::nullopt;
  expect_duration(std::max(estimate_ms_, rule_.min_sample_ms));
  const uint64_t printed_before = worker_->printed_bytes();
  const Answer<BurstReply> answer = worker_->call(next_burst());
  if (std::optional<End> end = end_in(answer)) return end;
  noise_bytes_ += worker_->printed_bytes() - printed_before;
  return take_burst(std::get<BurstReply>(answer), round);
}

std::optional<End> TrialLife::take_burst(const BurstReply& reply, int round) {
  if (!is_sane(reply)) {
    worker_->end();
    return End{Outcome::protocol_error, "bad-burst", "a burst's reply makes no sense", true};
  }
  for (double sample_ms : reply.samples_ms) {
    record_.samples_ms.push_back(sample_ms);
    record_.sample_rounds.push_back(round);
    spent_s_ += sample_ms * reply.calls_per_sample * 1e-3;
  }
  record_.warmup_calls += reply.warmup_calls;
  states_.push_back(reply.state_json);
  context_.observer.device_busy(reply.busy_ms);
  context_.observer.burst_done(trial_, summarise(record_.samples_ms));
  if (std::optional<End> end = compare_rows(*worker_, reply.last_variant)) return end;
  if (context_.settings.measure.protocol != Protocol::adaptive) {
    decision_ = {true, StopReason::max_samples, 0};  // triton.testing decides for itself, once
    return std::nullopt;
  }
  decision_ = decide(rule_, record_.samples_ms, spent_s_, estimate_ms_);
  return std::nullopt;
}

End TrialLife::conclude() {
  record_.stop_reason = enum_to_text(kStopReasons, decision_.reason);
  if (std::optional<End> end = check_manners()) return *end;
  if (std::optional<End> end = check_floor()) return *end;
  const std::string doubt = doubt_about_short(median(record_.samples_ms), trial_.device,
                                              context_.settings.measure.protocol);
  if (!doubt.empty()) warn(doubt);
  if (noise_bytes_ > 0) {
    warn(fmt::format("the provider printed {} bytes: {}", noise_bytes_,
                     worker_->log_path().string()));
  }
  const Answer<Done> released = worker_->call(ReleaseRequest{record_.trial_id});
  generation_ = 0;
  if (std::optional<End> end = end_in(released)) return *end;
  if (const int children = worker_->children(); children > 0) {
    warn(fmt::format("the provider started processes that still run ({}); they end with its worker",
                     children));
  }
  return End{};
}

std::optional<End> TrialLife::check_manners() {
  const Answer<CheckReply> answer = worker_->call(CheckRequest{record_.trial_id});
  if (std::optional<End> end = end_in(answer)) return end;
  const CheckReply& check = std::get<CheckReply>(answer);
  const Outcome broken = Outcome::contract_violation;
  if (!check.guard_violations.empty()) {
    return End{broken, "out-of-bounds", join(check.guard_violations, "; "), false};
  }
  if (!check.changed_inputs.empty()) {
    return End{broken, "input-changed",
               "inputs were written to: " + join(check.changed_inputs, ", "), false};
  }
  if (check.late_write) {
    return End{broken, "late-write", "outputs changed after the pass had been completed", false};
  }
  if (check.leaked_bytes > 0) {
    warn(fmt::format("{} more memory in use than after the plan was made",
                     human_bytes(static_cast<unsigned long long>(check.leaked_bytes))));
  }
  return std::nullopt;
}

std::optional<End> TrialLife::check_floor() {
  const DeviceFacts& facts = *context_.pool.facts(trial_.device);
  const DeviceLimits limits = limits_of(facts, trial_.problem.dtype);
  record_.peak_tflops =
      trial_peak_tflops(facts, trial_.problem.dtype, record_.plan->resolved_options);
  const MeasureSettings& measure = context_.settings.measure;
  const bool is_cold =
      measure.cache == Cache::cold && measure.protocol != Protocol::do_bench_cudagraph;
  if (!is_cold) return std::nullopt;
  const PlausibilityResult result =
      check_plausibility(median(record_.samples_ms), trial_.problem, limits);
  record_.floor_ms = result.floor_ms;
  if (result.plausibility != Plausibility::implausible) return std::nullopt;
  return End{Outcome::implausible, "below-floor", result.message, false};
}

uint64_t TrialLife::workspace_bytes() const {
  return record_.plan ? record_.plan->workspace_bytes : 0;
}

void TrialLife::release() {
  if (!is_ready()) return;
  generation_ = 0;
  const Answer<Done> answer = worker_->call(ReleaseRequest{record_.trial_id});
  if (const Death* death = std::get_if<Death>(&answer)) context_.observer.note(death->message);
  if (!std::holds_alternative<Done>(answer)) worker_->end();
}

void TrialLife::warn(const std::string& warning) {
  record_.warnings.push_back(warning);
}

Record TrialLife::recorded(const End& end) {
  record_.outcome = end.outcome;
  record_.detail = end.detail;
  record_.message = end.message;
  record_.state_json = "[" + join(states_, ",") + "]";
  record_.wall_seconds = seconds_between(started_, std::chrono::steady_clock::now());
  if (end.outcome != Outcome::ok) {
    record_.samples_ms.clear();
    record_.sample_rounds.clear();
    record_.stop_reason.clear();
  }
  return record_;
}

}  // namespace attnbench
