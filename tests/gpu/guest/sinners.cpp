// Providers on a GPU that break one promise each and no other: gpu_sinner_<sin>. What
// `attnbench validate` must say of each is in check_sinners.py.
#include "gpu.h"

namespace guest {
namespace {

enum class Sin {
  none,
  makes_context_early,
  strays,
  waits,
  uses_default_stream,
  allocates_late,
  replays_nothing,
  loses_context,
  keeps_memory,
  oversizes,
  misnames_shortage
};

constexpr int64_t kMostKeys = 4096;
constexpr int64_t kSharedBytes = 227 << 10;
// What validate asks for to see a refusal (ask_about_context).
constexpr int64_t kKeysThatCostTheContext = 1'000'000;

constexpr const char* id_of(Sin sin) {
  switch (sin) {
    case Sin::none:
      return "gpu_sinner_none";
    case Sin::makes_context_early:
      return "gpu_sinner_makes_context_early";
    case Sin::strays:
      return "gpu_sinner_strays";
    case Sin::waits:
      return "gpu_sinner_waits";
    case Sin::uses_default_stream:
      return "gpu_sinner_uses_default_stream";
    case Sin::allocates_late:
      return "gpu_sinner_allocates_late";
    case Sin::replays_nothing:
      return "gpu_sinner_replays_nothing";
    case Sin::loses_context:
      return "gpu_sinner_loses_context";
    case Sin::keeps_memory:
      return "gpu_sinner_keeps_memory";
    case Sin::oversizes:
      return "gpu_sinner_oversizes";
    case Sin::misnames_shortage:
      return "gpu_sinner_misnames_shortage";
  }
  return "";
}

template <Sin kSin>
class SinfulPlan {
 public:
  SinfulPlan(Device& device, const attn::PlanRequest& request)
      : device_(device),
        problem_(request.problem),
        scale_(static_cast<float>(request.softmax_scale())),
        tile_bytes_(request.options.get_int("tile_bytes")) {
    if (kSin == Sin::keeps_memory) take(128 << 10);
    if (kSin == Sin::misnames_shortage && !(memory_ = take(8 << 20))) {
      throw attn::Failure(ATTN_INTERNAL, "no memory, which it calls a defect");
    }
    if (kSin != Sin::oversizes && tile_bytes_ > kSharedBytes) {
      throw attn::Failure(ATTN_RESOURCE_SHARED_MEMORY, "such tiles need more shared memory");
    }
  }
  ~SinfulPlan() {
    if (memory_ != 0) device_.driver.free(memory_);
  }
  SinfulPlan(const SinfulPlan&) = delete;  // owns memory
  SinfulPlan& operator=(const SinfulPlan&) = delete;

  attn::PlanInfo info() const {
    attn::PlanInfo out;
    out.workspace_bytes = 256;
    const bool is_graph_safe = kSin == Sin::none || kSin == Sin::replays_nothing;
    out.flags = is_graph_safe ? ATTN_PLAN_GRAPH_SAFE : 0;
    return out;
  }

  void execute(const attn::Execution& pass) {
    const Driver& driver = device_.driver;
    if (kSin == Sin::allocates_late && ++passes_ == 2) memory_ = take(4 << 20);
    if (kSin == Sin::waits) check(driver.wait(pass.stream), "waiting");
    if (kSin == Sin::uses_default_stream) {
      const uint64_t workspace = reinterpret_cast<uint64_t>(pass.workspace);
      check(driver.zero(workspace, 0, 256, nullptr), "zeroing on the default stream");
    }
    int capture_status = 0;
    check(driver.capture_status(pass.stream, &capture_status), "asking about a stream");
    if (kSin == Sin::replays_nothing && capture_status != 0) return;
    const bool strays = kSin == Sin::strays;
    const unsigned shared_bytes =
        tile_bytes_ > kSharedBytes ? static_cast<unsigned>(tile_bytes_) : 0;
    device_.forward(problem_, scale_, pass, strays ? device_.side_stream : pass.stream,
                    shared_bytes);
    if (strays) check(driver.wait(device_.side_stream), "waiting for the side stream");
  }

 private:
  uint64_t take(size_t bytes) {
    uint64_t memory = 0;
    return device_.driver.allocate(&memory, bytes) == 0 ? memory : 0;
  }

  Device& device_;
  attn_problem problem_;
  float scale_;
  int64_t tile_bytes_;
  uint64_t memory_ = 0;
  int passes_ = 0;
};

template <Sin kSin>
class Sinner {
 public:
  static attn::Descriptor descriptor() {
    return {.id = id_of(kSin),
            .name = "GPU sinner",
            .vendor = "attnbench tests",
            .version = "1.0.0",
            .license = "Apache-2.0",
            .description = "Breaks one promise, for validate to find.",
            .features = ATTN_FEATURE_GQA,
            .device_types = {ATTN_DEVICE_CUDA},
            .dtypes = {attn::kFp16},
            .options = {attn::int_choice("tile_bytes", "shared memory of a tile", 1 << 10,
                                         {1 << 10, 1 << 20}, ATTN_OPTION_COMPILE_TIME)}};
  }
  static int32_t probe(const attn::Device&) {
    void* context = nullptr;
    if (kSin == Sin::makes_context_early) Driver().retain_context(&context, 0);
    return 1;
  }
  explicit Sinner(const attn::CreateRequest&) {}

  attn::Answer supports(const attn::PlanRequest& request) const {
    const int64_t keys = request.problem.seqlen_kv;
    if (keys <= kMostKeys) return attn::yes();
    if (kSin == Sin::loses_context && keys == kKeysThatCostTheContext) {
      device_.driver.use_context(nullptr);
    }
    return attn::refuse(ATTN_UNSUPPORTED_SHAPE, "seqlen_kv is 4096 at most");
  }
  std::unique_ptr<SinfulPlan<kSin>> make_plan(const attn::PlanRequest& request) {
    return std::make_unique<SinfulPlan<kSin>>(device_, request);
  }

 private:
  Device device_;
};

}  // namespace
}  // namespace guest

ATTN_PROVIDERS(guest::Sinner<guest::Sin::none>, guest::Sinner<guest::Sin::makes_context_early>,
               guest::Sinner<guest::Sin::strays>, guest::Sinner<guest::Sin::waits>,
               guest::Sinner<guest::Sin::uses_default_stream>,
               guest::Sinner<guest::Sin::allocates_late>,
               guest::Sinner<guest::Sin::replays_nothing>, guest::Sinner<guest::Sin::loses_context>,
               guest::Sinner<guest::Sin::keeps_memory>, guest::Sinner<guest::Sin::oversizes>,
               guest::Sinner<guest::Sin::misnames_shortage>)
