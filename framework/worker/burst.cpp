#include "worker/burst.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "provider/call_failure.h"

namespace attnbench {
namespace {

constexpr int kMaxCallsPerSample = 1'000'000;
constexpr int kSamplesOverMaximum = 4;  // how far min_total_ms may stretch a burst

using SteadyTime = std::chrono::steady_clock::time_point;

double milliseconds_since(SteadyTime start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

void check_request(const BurstRequest& request) {
  const bool is_sound = request.max_samples >= 1 && request.warmup_calls >= 0 &&
                        (request.first_variant == 0 || request.first_variant == 1);
  if (!is_sound) {
    throw CallFailure(Outcome::internal_error, "bad-burst",
                      "a burst needs at least one sample, no negative warm-up and variant 0 or 1");
  }
}

struct WarmUp {
  int calls = 0;
  double fastest_call_ms = INFINITY;
};

// At least as many calls and as long as asked; at least one, to know how long a call takes.
WarmUp warm_up(PreparedTrial& trial, int calls, double warmup_ms, Channel& channel) {
  WarmUp done;
  const SteadyTime start = std::chrono::steady_clock::now();
  while (done.calls < std::max(calls, 1) || milliseconds_since(start) < warmup_ms) {
    channel.enter(Phase::execute);
    const SteadyTime call_start = std::chrono::steady_clock::now();
    trial.run();
    trial.device().synchronize();
    done.fastest_call_ms = std::min(done.fastest_call_ms, milliseconds_since(call_start));
    ++done.calls;
  }
  return done;
}

// Enough for a sample that the clock and one interruption cannot spoil.
int calls_per_sample(double min_sample_ms, double call_ms) {
  if (!(call_ms < min_sample_ms)) return 1;
  const double calls = std::ceil(1.1 * min_sample_ms / std::max(call_ms, 1e-6));
  return static_cast<int>(std::min<double>(calls, kMaxCallsPerSample));
}

void switch_inputs(PreparedTrial& trial) {
  trial.note_harm();  // while it can still be seen which inputs were changed
  trial.use_variant(1 - trial.tensors().variant());
}

void take_sample(PreparedTrial& trial, size_t sample, const BurstReply& burst, bool is_cold) {
  Device& device = trial.device();
  trial.poison_outputs();
  if (is_cold) device.evict_cache(trial.buffers());
  device.start_timer(sample);
  for (int call = 0; call < burst.calls_per_sample; ++call) trial.run();
  device.stop_timer(sample);
}

double milliseconds_of(Device& device, size_t samples) {
  device.synchronize();
  double total_ms = 0.0;
  for (size_t i = 0; i < samples; ++i) total_ms += device.elapsed_ms(i);
  return total_ms;
}

bool is_enough(Device& device, size_t samples, const BurstRequest& request) {
  const size_t wanted = static_cast<size_t>(request.max_samples);
  if (samples < wanted) return false;
  return samples >= kSamplesOverMaximum * wanted ||
         milliseconds_of(device, samples) >= request.min_total_ms;
}

}  // namespace

BurstReply run_burst(PreparedTrial& trial, const BurstRequest& request, Channel& channel) {
  check_request(request);
  Device& device = trial.device();
  trial.begin_memory_watch();
  trial.use_variant(request.first_variant);

  channel.enter(Phase::allocate);
  const SteadyTime start = std::chrono::steady_clock::now();
  const double warmup_ms =
      device.heat_up() ? std::max(request.warmup_ms, kAfterHeatMs) : request.warmup_ms;
  BurstReply burst;
  const WarmUp warm = warm_up(trial, request.warmup_calls, warmup_ms, channel);
  burst.warmup_calls = warm.calls;
  burst.calls_per_sample = calls_per_sample(request.min_sample_ms, warm.fastest_call_ms);

  device.begin_state();
  size_t samples = 0;
  while (!is_enough(device, samples, request)) {
    const bool switches = std::find(request.switch_before.begin(), request.switch_before.end(),
                                    static_cast<int>(samples)) != request.switch_before.end();
    if (switches) switch_inputs(trial);
    channel.enter(Phase::execute);
    take_sample(trial, samples, burst, request.cold_cache);
    ++samples;
  }
  device.synchronize();
  burst.busy_ms = milliseconds_since(start);
  for (size_t i = 0; i < samples; ++i) {
    burst.samples_ms.push_back(device.elapsed_ms(i) / burst.calls_per_sample);
  }
  burst.state_json = device.end_state();
  burst.last_variant = trial.tensors().variant();
  trial.end_memory_watch();
  trial.note_harm();
  trial.note_outputs();
  return burst;
}

}  // namespace attnbench
