#include "supervise/worker_pool.h"

#include <algorithm>

namespace attnbench {
namespace {

std::string log_name(const ProviderInfo& provider, const std::string& device) {
  std::string name = provider.id + "-" + device;
  std::replace(name.begin(), name.end(), ':', '-');
  return name;
}

template <typename Reply>
std::optional<std::variant<Failure, Death>> trouble_in(Answer<Reply>& answer) {
  if (Failure* failure = std::get_if<Failure>(&answer)) return std::move(*failure);
  if (Death* death = std::get_if<Death>(&answer)) return std::move(*death);
  return std::nullopt;
}

Answer<ReadyWorker> answer_of(std::variant<Failure, Death> trouble) {
  if (Failure* failure = std::get_if<Failure>(&trouble)) return std::move(*failure);
  return std::get<Death>(std::move(trouble));
}

}  // namespace

WorkerPool::WorkerPool(const RunSettings& settings, RunObserver& observer,
                       const std::atomic<bool>& stop)
    : settings_(settings), observer_(observer), stop_(stop) {}

std::optional<std::variant<Failure, Death>> WorkerPool::open(Slot& slot,
                                                             const ProviderInfo& provider,
                                                             const std::string& device) {
  slot = Slot{};
  slot.client = std::make_unique<WorkerClient>(settings_.worker, log_name(provider, device), stop_);
  slot.generation = ++generations_;
  Answer<HelloReply> hello = slot.client->hello();
  if (std::optional<std::variant<Failure, Death>> trouble = trouble_in(hello)) return trouble;
  Answer<OpenReply> opened =
      slot.client->call(OpenRequest{provider.path, provider.id, device,
                                    settings_.cache_dir.string(), settings_.provider_threads});
  if (std::optional<std::variant<Failure, Death>> trouble = trouble_in(opened)) {
    if (const Failure* failure = std::get_if<Failure>(&*trouble)) slot.open_failure = *failure;
    return trouble;
  }
  learn(device, std::get<OpenReply>(opened).device);
  return std::nullopt;
}

Answer<ReadyWorker> WorkerPool::ready(const ProviderInfo& provider, const std::string& device,
                                      const Problem& problem) {
  Slot& slot = slots_[{provider.id, device}];
  if (slot.client == nullptr || !slot.client->is_alive()) {
    std::optional<std::variant<Failure, Death>> trouble = open(slot, provider, device);
    if (trouble) return answer_of(std::move(*trouble));
  }
  if (slot.open_failure) return *slot.open_failure;
  if (slot.problem != problem) {
    if (slot.problem) {
      slot.problem.reset();
      Answer<Done> ended = slot.client->call(EndCaseRequest{});
      if (auto trouble = trouble_in(ended)) return answer_of(std::move(*trouble));
    }
    Answer<BeginCaseReply> begun =
        slot.client->call(BeginCaseRequest{problem, settings_.measure.seed});
    if (auto trouble = trouble_in(begun)) return answer_of(std::move(*trouble));
    slot.problem = problem;
    slot.tensor_bytes = std::get<BeginCaseReply>(begun).tensor_bytes;
  }
  return ReadyWorker{slot.client.get(), slot.generation, slot.tensor_bytes};
}

void WorkerPool::learn(const std::string& device, const DeviceFacts& facts) {
  const auto [known, is_new] = facts_.emplace(device, facts);
  if (is_new) {
    observer_.device_opened(facts);
    return;
  }
  DeviceFacts& best = known->second;
  best.peak_tflops_fp32 = std::max(best.peak_tflops_fp32, facts.peak_tflops_fp32);
  best.peak_tflops_16bit = std::max(best.peak_tflops_16bit, facts.peak_tflops_16bit);
  best.peak_tflops_one_thread = std::max(best.peak_tflops_one_thread, facts.peak_tflops_one_thread);
  best.peak_gbps = std::max(best.peak_gbps, facts.peak_gbps);
}

const DeviceFacts* WorkerPool::facts(const std::string& device) const {
  const std::map<std::string, DeviceFacts>::const_iterator found = facts_.find(device);
  return found == facts_.end() ? nullptr : &found->second;
}

const WorkerPool::Slot* WorkerPool::living(const ProviderInfo& provider,
                                           const std::string& device) const {
  const std::map<Key, Slot>::const_iterator found = slots_.find({provider.id, device});
  if (found == slots_.end() || found->second.client == nullptr) return nullptr;
  return found->second.client->is_alive() ? &found->second : nullptr;
}

int WorkerPool::generation(const ProviderInfo& provider, const std::string& device) const {
  const Slot* slot = living(provider, device);
  return slot == nullptr ? 0 : slot->generation;
}

bool WorkerPool::has_begun(const ProviderInfo& provider, const std::string& device) const {
  const Slot* slot = living(provider, device);
  return slot != nullptr && slot->problem.has_value();
}

uint64_t WorkerPool::tensor_bytes(const std::string& device) const {
  uint64_t bytes = 0;
  for (const auto& [key, slot] : slots_) {
    const bool is_alive = slot.client != nullptr && slot.client->is_alive();
    if (key.second == device && is_alive && slot.problem) bytes += slot.tensor_bytes;
  }
  return bytes;
}

void WorkerPool::end(const ProviderInfo& provider, const std::string& device) {
  slots_.erase({provider.id, device});
}

void WorkerPool::end_cases() {
  for (auto& [key, slot] : slots_) {
    if (slot.client == nullptr || !slot.client->is_alive() || !slot.problem) continue;
    slot.problem.reset();
    Answer<Done> ended = slot.client->call(EndCaseRequest{});
    const std::optional<std::variant<Failure, Death>> trouble = trouble_in(ended);
    if (!trouble) continue;
    // Nobody's trial is at stake here; a fresh worker takes over at the next case.
    if (const Death* death = std::get_if<Death>(&*trouble)) observer_.note(death->message);
    slot.client->end();
  }
}

void WorkerPool::say_bye() {
  for (auto& [key, slot] : slots_) {
    if (slot.client == nullptr || !slot.client->is_alive()) continue;
    Answer<Done> answer = slot.client->call(ByeRequest{});
    if (const Death* death = std::get_if<Death>(&answer)) observer_.note(death->message);
  }
  slots_.clear();
}

}  // namespace attnbench
