#include "validate/support_matrix.h"

#include <fmt/format.h>

#include <memory>

#include "supervise/worker_client.h"
#include "validate/device.h"

namespace attnbench {
namespace {

struct Kind {
  std::string name;
  Problem problem;
};

Problem plain(const ProviderInfo& provider) {
  Problem problem;
  problem.batch = 2;
  problem.heads = problem.kv_heads = 2;
  problem.seqlen_q = problem.seqlen_kv = 128;
  problem.head_dim = 64;
  for (const auto& [dtype, name] : kDtypes) {
    if (provider.dtypes.empty() || provider.dtypes.front() != name) continue;
    problem.dtype = dtype;
  }
  return problem;
}

// Each differs from the plain problem in the one thing that its name says.
std::vector<Kind> kinds(const ProviderInfo& provider) {
  const Problem base = plain(provider);
  std::vector<Kind> all;
  const auto add = [&](std::string name, auto change) {
    Problem problem = base;
    change(problem);
    all.push_back({std::move(name), problem});
  };
  for (const auto& [dtype, name] : kDtypes) {
    add(fmt::format("dtype {}", name), [&, value = dtype](Problem& p) { p.dtype = value; });
  }
  for (const auto& [layout, name] : kLayouts) {
    add(fmt::format("layout {}", name), [&, value = layout](Problem& p) { p.layout = value; });
  }
  for (const auto& [bias, name] : kBiases) {
    add(fmt::format("bias {}", name), [&, value = bias](Problem& p) { p.bias = value; });
  }
  for (const auto& [causal, name] : kCausals) {
    add(fmt::format("causal {}", name), [&, value = causal](Problem& p) { p.causal = value; });
  }
  add("gqa", [](Problem& p) { p.heads = 4; });
  add("seqlen_q 64, seqlen_kv 128", [](Problem& p) { p.seqlen_q = 64; });
  add("seqlen_q 128, seqlen_kv 64", [](Problem& p) { p.seqlen_kv = 64; });
  add("seqlen 127", [](Problem& p) { p.seqlen_q = p.seqlen_kv = 127; });
  for (const int64_t head_dim : {40, 64, 96, 128, 248, 256}) {
    add(fmt::format("head_dim {}", head_dim), [&](Problem& p) { p.head_dim = head_dim; });
  }
  add("bwd", [](Problem& p) { p.mode = Mode::bwd; });
  add("bwd, bias b1", [](Problem& p) {
    p.mode = Mode::bwd;
    p.bias = Bias::b1;
  });
  return all;
}

SupportAnswer answer_of(const std::string& kind, const Answer<ContractReply>& answer) {
  if (const Death* death = std::get_if<Death>(&answer)) return {kind, false, death->message};
  if (const Failure* failure = std::get_if<Failure>(&answer))
    return {kind, false, failure->message};
  for (const CallFact& call : std::get<ContractReply>(answer).calls) {
    if (call.status == 0) continue;
    return {kind, false, fmt::format("{} ({}, {})", call.message, call.what, call.status)};
  }
  return {kind, true, ""};
}

}  // namespace

SupportRow find_support(const ProviderInfo& provider, const RunSettings& settings,
                        const std::atomic<bool>& stop) {
  SupportRow row{provider.id, best_device(provider), {}};
  if (row.device.empty()) return row;
  std::unique_ptr<WorkerClient> worker;
  for (const Kind& kind : kinds(provider)) {
    if (worker == nullptr || !worker->is_alive()) {
      worker = std::make_unique<WorkerClient>(settings.worker, "matrix-" + provider.id, stop);
      worker->hello();
    }
    row.answers.push_back(answer_of(
        kind.name,
        worker->call(ContractRequest{provider.path, provider.id, row.device,
                                     settings.cache_dir.string(), "support", kind.problem})));
  }
  bool writes_lse = false;
  for (const std::string& feature : provider.features) writes_lse |= feature == "lse";
  row.answers.push_back({"lse", writes_lse, writes_lse ? "" : "not declared"});
  return row;
}

}  // namespace attnbench
