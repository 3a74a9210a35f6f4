#include "worker/do_bench.h"

#include <algorithm>
#include <chrono>

#include "provider/call_failure.h"

namespace attnbench {
namespace {

// The defaults of triton/testing.py.
constexpr double kWarmupMs = 25.0, kMeasuredMs = 100.0, kGraphMs = 20.0;
constexpr uint64_t kFlushBytes = 256'000'000;
constexpr int kEstimateCalls = 5;
constexpr size_t kReplays = 10;

int calls_in(double total_ms, double call_ms) {
  constexpr double kShortestCallMs = 1e-3;
  return std::max(1, static_cast<int>(total_ms / std::max(call_ms, kShortestCallMs)));
}

template <typename Enqueue>
double estimate_ms(Device& device, const Enqueue& enqueue) {
  device.start_timer(0);
  for (int call = 0; call < kEstimateCalls; ++call) enqueue();
  device.stop_timer(0);
  device.synchronize();
  return device.elapsed_ms(0) / kEstimateCalls;
}

template <typename Enqueue>
void take_samples(Device& device, size_t samples, BurstReply& burst, const Enqueue& enqueue) {
  device.begin_state();
  for (size_t i = 0; i < samples; ++i) enqueue(i);
  device.synchronize();
  for (size_t i = 0; i < samples; ++i) {
    burst.samples_ms.push_back(device.elapsed_ms(i) / burst.calls_per_sample);
  }
  burst.state_json = device.end_state();
}

BurstReply do_bench(PreparedTrial& trial, Channel& channel) {
  Device& device = trial.device();
  const Buffer flush = device.allocate(kFlushBytes, 256);
  const double call_ms = estimate_ms(device, [&] {
    device.poison(flush);
    trial.run();
  });
  BurstReply burst;
  burst.warmup_calls = calls_in(kWarmupMs, call_ms);
  for (int call = 0; call < burst.warmup_calls; ++call) trial.run();
  trial.poison_outputs();
  const size_t samples = static_cast<size_t>(calls_in(kMeasuredMs, call_ms));
  take_samples(device, samples, burst, [&](size_t sample) {
    channel.enter(Phase::execute);
    device.poison(flush);
    device.start_timer(sample);
    trial.run();
    device.stop_timer(sample);
  });
  return burst;
}

void record_calls(PreparedTrial& trial, int calls) {
  if (!trial.facts().graph_safe) {
    throw CallFailure(Outcome::unsupported, "not-graph-safe",
                      "its plan does not promise that a pass may be captured into a CUDA graph");
  }
  const auto broke_its_promise = [](const char* why) {
    return CallFailure(Outcome::contract_violation, "not-capturable",
                       std::string("its plan promises to be graph safe, but: ") + why);
  };
  try {
    trial.device().record([&] {
      for (int call = 0; call < calls; ++call) trial.run();
    });
  } catch (const DeviceError& error) {
    throw broke_its_promise(error.what());
  } catch (const CallFailure& failure) {
    throw broke_its_promise(failure.what());
  }
}

BurstReply do_bench_cudagraph(PreparedTrial& trial, Channel& channel) {
  Device& device = trial.device();
  const double call_ms = estimate_ms(device, [&] { trial.run(); });
  BurstReply burst;
  burst.warmup_calls = kEstimateCalls + 1;
  burst.calls_per_sample = calls_in(kGraphMs, call_ms);
  record_calls(trial, burst.calls_per_sample);
  trial.poison_outputs();
  take_samples(device, kReplays, burst, [&](size_t sample) {
    channel.enter(Phase::execute);
    device.start_timer(sample);
    device.replay();
    device.stop_timer(sample);
  });
  device.forget_recording();
  return burst;
}

}  // namespace

BurstReply run_do_bench(PreparedTrial& trial, const BurstRequest& request, Channel& channel) {
  trial.begin_memory_watch();
  trial.use_variant(request.first_variant);
  channel.enter(Phase::allocate);
  const std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
  // Until the clocks are steady, which triton.testing knows nothing of; the rest is as it has it.
  const std::chrono::duration<double, std::milli> warmup(
      trial.device().heat_up() ? std::max(request.warmup_ms, kAfterHeatMs) : request.warmup_ms);
  const std::chrono::steady_clock::time_point passes_start = std::chrono::steady_clock::now();
  do {
    channel.enter(Phase::execute);
    trial.run();
    trial.device().synchronize();
  } while (std::chrono::steady_clock::now() - passes_start < warmup);
  BurstReply burst = request.protocol == Protocol::do_bench ? do_bench(trial, channel)
                                                            : do_bench_cudagraph(trial, channel);
  burst.busy_ms =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  burst.last_variant = trial.tensors().variant();
  trial.end_memory_watch();
  trial.note_harm();
  trial.note_outputs();
  return burst;
}

}  // namespace attnbench
