// cudnn_sdpa: NVIDIA's own fused attention, through cuDNN's graph API. This file is the provider as
// attnbench sees it: what it refuses at once, how a problem becomes a compiled candidate, and a
// pass.
#include <attnbench/provider.hpp>

#include <cstring>
#include <list>

#include "autotune.h"
#include "gpu_common/driver.h"
#include "graph.h"
#include "session.h"

namespace cudnn_sdpa {
namespace {

constexpr uint32_t kNeededAlignment = 16;
constexpr size_t kMaxKept = 16;

// A graph whose best candidate is compiled. Kept by the instance, used by plans.
struct Compiled {
  std::string problem;  // all that it depends on
  Graph graph;
  int64_t candidate = 0;
  int num_users = 0;
};

void add(std::string& key, const void* bytes, size_t count) {
  key.append(static_cast<const char*>(bytes), count);
}

// Equal keys, equal graphs.
std::string key_of(const attn::PlanRequest& request) {
  std::string key;
  const attn_problem& p = request.problem;
  add(key, &p.op, sizeof p.op);
  add(key, &p.mask, sizeof p.mask);
  add(key, &p.features, sizeof p.features);
  const double scale = request.softmax_scale();
  add(key, &scale, sizeof scale);
  for (const attn::TensorSpec& spec : request.specs) {
    add(key, &spec.role, sizeof spec.role);
    add(key, &spec.dtype, sizeof spec.dtype);
    add(key, spec.shape.data(), sizeof spec.shape);
    add(key, spec.strides.data(), sizeof spec.strides);
  }
  for (const char* name : {"autotune", "deterministic"}) {
    key += request.options.get_bool(name) ? '1' : '0';
  }
  return key + request.options.get_string("heuristic") + ' ' + request.options.get_string("engine");
}

bool must_be_deterministic(const attn::PlanRequest& request) {
  return request.options.get_bool("deterministic") || request.asks_for(ATTN_FEATURE_DETERMINISTIC);
}

class Plan {
 public:
  Plan(Session& session, Compiled& compiled, const attn::PlanRequest& request)
      : session_(session), compiled_(compiled) {
    ++compiled_.num_users;
    for (const attn::TensorSpec& spec : request.specs) roles_.push_back(spec.role);
    info_.workspace_bytes = compiled_.graph.workspace_bytes(compiled_.candidate);
    info_.flags = ATTN_PLAN_GRAPH_SAFE;
    // Backward adds up dQ in whatever order its blocks finish, unless it is told not to.
    if (!request.is_backward() || must_be_deterministic(request)) {
      info_.flags |= ATTN_PLAN_DETERMINISTIC;
    }
    info_.kernels = {{.name = compiled_.graph.name(compiled_.candidate)}};
  }
  ~Plan() { --compiled_.num_users; }
  // Counts as one user.
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  attn::PlanInfo info() const { return info_; }

  void execute(const attn::Execution& pass) {
    session_.use_stream(pass.stream);
    Addresses addresses;
    for (const int32_t role : roles_) addresses[role] = pass.tensor(role).data();
    compiled_.graph.run(compiled_.candidate, session_, addresses, pass.workspace);
  }

 private:
  Session& session_;
  Compiled& compiled_;
  std::vector<int32_t> roles_;
  attn::PlanInfo info_;
};

class Provider {
 public:
  static attn::Descriptor descriptor() {
    attn::Descriptor d{};
    d.id = "cudnn_sdpa";
    d.name = "cuDNN SDPA";
    d.vendor = "NVIDIA";
    d.version = "1.0.0";
    d.license = "Apache-2.0";
    d.description = "cuDNN's fused attention through its graph API; cuDNN itself is NVIDIA's";
    d.features = ATTN_FEATURE_CAUSAL | ATTN_FEATURE_BIAS | ATTN_FEATURE_GQA | ATTN_FEATURE_BWD |
                 ATTN_FEATURE_LSE | ATTN_FEATURE_DETERMINISTIC;
    d.device_types = {ATTN_DEVICE_CUDA};
    d.dtypes = {attn::kFp16, attn::kBf16};
    d.options = {
        attn::string_choice("heuristic", "whose ranking of engines is believed", "a",
                            {"a", "b", "fallback"}, ATTN_OPTION_AFFECTS_NUMERICS),
        attn::string_free("engine",
                          "the engine of this name, as records name it; empty: the first offered",
                          "", ATTN_OPTION_COMPILE_TIME | ATTN_OPTION_AFFECTS_NUMERICS),
        attn::boolean("autotune", "compile every engine offered and keep the fastest", false,
                      ATTN_OPTION_COMPILE_TIME | ATTN_OPTION_AFFECTS_NUMERICS),
        attn::boolean("deterministic", "equal inputs give equal bits", false,
                      ATTN_OPTION_AFFECTS_NUMERICS),
    };
    return d;
  }

  static int32_t probe(const attn::Device& device) {
    gpu::require_ampere(device.cc_major, device.cc_minor);
    open_cudnn();
    return 95;
  }

  explicit Provider(const attn::CreateRequest& request) {
    request.host.log(ATTN_LOG_INFO, "cuDNN " + open_cudnn());
  }

  // What the graph would refuse too, in fewer words; the rest is cuDNN's to say.
  attn::Answer supports(const attn::PlanRequest& request) {
    const attn_problem& p = request.problem;
    if (request.options.get_bool("autotune") && !request.options.get_string("engine").empty()) {
      return attn::refuse(ATTN_UNSUPPORTED_OPTIONS,
                          "autotune tries every engine, and one is named: give one of the two");
    }
    for (const int64_t dim : {p.head_dim_qk, p.head_dim_v}) {
      if (dim % 8 == 0) continue;
      return attn::refuse(ATTN_UNSUPPORTED_SHAPE,
                          attn::text("head_dim is ", dim, ", cuDNN needs a multiple of 8"));
    }
    for (const attn::TensorSpec& spec : request.specs) {
      const bool is_free = spec.role == ATTN_ROLE_LSE;
      if (!is_free && spec.strides[3] != 1) {
        return attn::refuse(ATTN_UNSUPPORTED_LAYOUT,
                            attn::text("the last axis of ", attn::detail::role_name(spec.role),
                                       " has stride ", spec.strides[3], ", cuDNN needs 1"));
      }
      if (!is_free && spec.alignment < kNeededAlignment) {
        return attn::refuse(ATTN_UNSUPPORTED_LAYOUT,
                            attn::text(attn::detail::role_name(spec.role), " is aligned to ",
                                       spec.alignment, " B, cuDNN needs ", kNeededAlignment));
      }
    }
    return attn::yes();
  }

  std::unique_ptr<Plan> make_plan(const attn::PlanRequest& request) {
    return std::make_unique<Plan>(session_, compiled_for(request), request);
  }

 private:
  Compiled& compiled_for(const attn::PlanRequest& request) {
    const std::string key = key_of(request);
    for (Compiled& kept : kept_) {
      if (kept.problem == key) return kept;
    }
    if (kept_.size() >= kMaxKept) {
      kept_.remove_if([](const Compiled& kept) { return kept.num_users == 0; });
    }
    Compiled& added = kept_.emplace_front(
        Compiled{key, Graph(request, session_, request.options.get_string("heuristic"),
                            must_be_deterministic(request))});
    try {
      added.candidate = choose(added.graph, request);
    } catch (...) {
      kept_.pop_front();
      throw;
    }
    return added;
  }

  int64_t choose(Graph& graph, const attn::PlanRequest& request) {
    const std::string engine = request.options.get_string("engine");
    if (!engine.empty()) return find(graph, engine);
    const bool wants_all = request.options.get_bool("autotune");
    std::vector<int64_t> compiled;
    std::string why = "its heuristics offer no engine";
    for (int64_t candidate = 0; candidate < graph.num_candidates(); ++candidate) {
      const std::string refusal = graph.compile(candidate);
      if (refusal.empty()) {
        compiled.push_back(candidate);
        if (!wants_all) break;
      } else if (candidate == 0) {
        why = refusal;
      }
    }
    if (compiled.empty()) {
      throw attn::Failure(named_rightly(ATTN_UNSUPPORTED), "cuDNN, compiling: " + why);
    }
    if (compiled.size() == 1) return compiled.front();
    const int64_t best = fastest(gpu::Driver(), request, session_, graph, compiled);
    session_.use_stream(nullptr);  // the stream it was tuned on is gone
    return best;
  }

  static int64_t find(Graph& graph, const std::string& engine) {
    std::string offered;
    for (int64_t candidate = 0; candidate < graph.num_candidates(); ++candidate) {
      const std::string name = graph.name(candidate);
      if (name != engine) {
        offered += (offered.empty() ? "" : ", ") + name;
        continue;
      }
      const std::string refusal = graph.compile(candidate);
      if (refusal.empty()) return candidate;
      throw attn::Failure(named_rightly(ATTN_UNSUPPORTED),
                          "cuDNN, compiling " + engine + ": " + refusal);
    }
    throw attn::Failure(ATTN_UNSUPPORTED_OPTIONS, "cuDNN offers no engine " + engine +
                                                      " here; it offers " +
                                                      (offered.empty() ? "none" : offered));
  }

  Session session_;
  std::list<Compiled> kept_;  // newest first
};

}  // namespace
}  // namespace cudnn_sdpa

ATTN_PROVIDERS(cudnn_sdpa::Provider)
