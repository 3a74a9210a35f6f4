// A guest on a GPU: right and slow with vice=none, and with every other value of the option it
// breaks one rule. What must become of each is in check_drill.py.
#include "gpu.h"

namespace guest {
namespace {

class Plan {
 public:
  Plan(Device& device, const attn::PlanRequest& request)
      : device_(device),
        problem_(request.problem),
        scale_(static_cast<float>(request.softmax_scale())),
        vice_(request.options.get_string("vice")) {}

  attn::PlanInfo info() const {
    attn::PlanInfo out;
    out.workspace_bytes = vice_ == "greedy" ? uint64_t{200} << 30 : 256;
    out.flags = vice_ == "waits" || vice_ == "none" ? ATTN_PLAN_GRAPH_SAFE : 0;
    return out;
  }

  void execute(const attn::Execution& pass) {
    void* const stream = pass.stream;
    if (vice_ == "nowhere") device_.run("write_to_nowhere", stream, {1, 1, 1}, 1);
    if (vice_ == "endless") {
      const uint64_t zero = reinterpret_cast<uint64_t>(pass.workspace);
      check(device_.driver.zero(zero, 0, 256, stream), "zeroing");
      device_.run("never_end", stream, {1, 1, 1}, 1, zero);
    }
    if (vice_ == "leaks") {
      uint64_t forgotten = 0;
      check(device_.driver.allocate(&forgotten, 8 << 20), "leaking");
    }
    if (vice_ == "waits") check(device_.driver.wait(stream), "waiting");
    const attn::Tensor o = pass.tensor(ATTN_ROLE_O);
    const uint64_t end = reinterpret_cast<uint64_t>(o.data()) +
                         static_cast<uint64_t>(problem_.batch * problem_.seqlen_q *
                                               problem_.heads_q * problem_.head_dim_qk * 2);
    if (vice_ == "oversteps") device_.run("write_one", stream, {1, 1, 1}, 1, end);
    if (vice_ == "scribbles") {
      device_.run("write_one", stream, {1, 1, 1}, 1, pass.tensor(ATTN_ROLE_K).data());
    }
    // On a stream that nobody waits for, and late: timed as nothing, and not there when looked at.
    const bool strays = vice_ == "strays";
    if (strays) device_.run("delay", device_.side_stream, {1, 1, 1}, 1, uint64_t{50'000'000});
    device_.forward(problem_, scale_, pass, strays ? device_.side_stream : stream);
  }

 private:
  Device& device_;
  attn_problem problem_;
  float scale_;
  std::string vice_;
};

class Provider {
 public:
  static attn::Descriptor descriptor() {
    return {.id = "gpu_guest",
            .name = "GPU guest",
            .vendor = "attnbench tests",
            .version = "1.0.0",
            .license = "Apache-2.0",
            .description = "Slow and right, or breaks one rule, to see what becomes of it.",
            .features = ATTN_FEATURE_GQA,
            .device_types = {ATTN_DEVICE_CUDA},
            .dtypes = {attn::kFp16},
            .options = {attn::string_choice("vice", "The rule to break.", "none",
                                            {"none", "nowhere", "endless", "greedy", "leaks",
                                             "waits", "oversteps", "scribbles", "strays"})}};
  }
  static int32_t probe(const attn::Device&) { return 1; }
  explicit Provider(const attn::CreateRequest&) {}

  attn::Answer supports(const attn::PlanRequest& request) const {
    if (request.problem.seqlen_kv <= 4096) return attn::yes();
    return attn::refuse(ATTN_UNSUPPORTED_SHAPE, "seqlen_kv is 4096 at most");
  }
  std::unique_ptr<Plan> make_plan(const attn::PlanRequest& request) {
    return std::make_unique<Plan>(device_, request);
  }

 private:
  Device device_;
};

}  // namespace
}  // namespace guest

ATTN_PROVIDERS(guest::Provider)
