#include "supervise/profile.h"

#include "base/error.h"
#include "supervise/worker_client.h"

namespace attnbench {
namespace {

constexpr double kPatience_s = 24.0 * 3600.0;

WorkerSettings patient(WorkerSettings settings) {
  Deadlines& deadlines = settings.deadlines;
  for (double* limit_s : {&deadlines.start_s, &deadlines.load_s, &deadlines.probe_s,
                          &deadlines.create_s, &deadlines.allocate_s, &deadlines.supports_s,
                          &deadlines.plan_create_s, &deadlines.execute_s, &deadlines.plan_destroy_s,
                          &deadlines.destroy_s, &deadlines.check_s, &deadlines.idle_s}) {
    *limit_s = kPatience_s;
  }
  return settings;
}

template <typename Reply>
Reply required(Answer<Reply> answer, const WorkerClient& worker) {
  if (Reply* reply = std::get_if<Reply>(&answer)) return std::move(*reply);
  const Failure* failure = std::get_if<Failure>(&answer);
  throw Error(failure != nullptr ? failure->message : std::get<Death>(answer).message,
              "what the provider printed is in " + worker.log_path().string());
}

}  // namespace

ProfiledCall profile_call(const Trial& trial, const ProviderInfo& provider,
                          const RunSettings& settings, const std::atomic<bool>& stop) try {
  WorkerClient worker(patient(settings.worker), provider.id + "-profile", stop);
  required(worker.hello(), worker);
  required(worker.call(OpenRequest{provider.path, provider.id, trial.device,
                                   settings.cache_dir.string(), settings.provider_threads}),
           worker);
  required(worker.call(BeginCaseRequest{trial.problem, settings.measure.seed}), worker);
  const std::string id = trial_id(trial);
  const PrepareReply prepared = required(worker.call(PrepareRequest{id, trial.options}), worker);
  ProfiledCall call;
  for (const KernelInfo& kernel : prepared.plan.kernels) call.kernels.push_back(kernel.name);
  call.elapsed_ms = required(worker.call(RunOnceRequest{id, 0}), worker).elapsed_ms;
  required(worker.call(ReleaseRequest{id}), worker);
  required(worker.call(EndCaseRequest{}), worker);
  required(worker.call(ByeRequest{}), worker);
  return call;
} catch (const StopRequested&) {
  throw Error("stopped before the call was done");
}

}  // namespace attnbench
