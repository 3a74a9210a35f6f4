#include "kernel_kit/flash_provider.h"

#include "kernel_kit/problem.h"

namespace kernel_kit {
namespace {

constexpr uint32_t kTile =
    ATTN_OPTION_COMPILE_TIME | ATTN_OPTION_AFFECTS_NUMERICS | ATTN_OPTION_SWEEPABLE;
constexpr uint32_t kTuning = ATTN_OPTION_COMPILE_TIME | ATTN_OPTION_AFFECTS_NUMERICS;
constexpr int32_t kScore = 90;

Target target_of(const gpu::Driver& driver, const attn::Device& device) {
  CUdevice current = 0;
  driver.check(driver.current_device(&current), "asking which GPU is ours");
  const auto ask = [&](CUdevice_attribute which) {
    int value = 0;
    driver.check(driver.device_attribute(&value, which, current), "asking about a GPU");
    return value;
  };
  return {.compute_capability = device.cc_major * 10 + device.cc_minor,
          .shared_memory_bytes = ask(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN),
          .num_multiprocessors = ask(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)};
}

Cache cache_of(const attn::Host& host) {
  const std::optional<std::string> directory = host.config("cache_dir");
  return directory ? Cache(*directory) : Cache();
}

}  // namespace

attn::Descriptor FlashProvider::descriptor(const char* id, const char* name,
                                           const char* description) {
  attn::Descriptor d{};
  d.id = id;
  d.name = name;
  d.vendor = "attnbench";
  d.version = "1.0.0";
  d.license = "Apache-2.0";
  d.description = description;
  d.features = ATTN_FEATURE_CAUSAL | ATTN_FEATURE_BIAS | ATTN_FEATURE_GQA | ATTN_FEATURE_BWD |
               ATTN_FEATURE_LSE | ATTN_FEATURE_DETERMINISTIC;
  d.device_types = {ATTN_DEVICE_CUDA};
  d.dtypes = {attn::kFp16, attn::kBf16};
  d.options = {
      attn::int_choice("block_q", "query rows in a tile; 0 chooses", 0, {0, 32, 64, 128, 192},
                       kTile),
      attn::int_choice("block_k", "keys in a tile; 0 chooses", 0, {0, 32, 64, 80, 128}, kTile),
      attn::int_range("num_warps", "warps that compute a tile; 0 chooses", 0, 0, 32, kTuning),
      attn::int_range("num_stages", "tiles of K and V that are loaded ahead; 0 chooses", 0, 0, 8,
                      kTuning),
      attn::string_free("switches",
                        "for experiments: steps of the kernel's design as TRUST=1,PING_PONG=0 "
                        "(its text explains them)",
                        "", kTuning),
      attn::boolean("deterministic", "equal inputs give equal bits", false,
                    ATTN_OPTION_COMPILE_TIME | ATTN_OPTION_AFFECTS_NUMERICS),
  };
  return d;
}

int32_t FlashProvider::probe(const attn::Device& device) {
  gpu::require_ampere(device.cc_major, device.cc_minor);
  const Nvrtc found;
  return kScore;
}

FlashProvider::FlashProvider(const attn::CreateRequest& request, const Engines& engines,
                             std::span<const TextFile> texts)
    : target_(target_of(driver_, request.device)),
      engines_(engines),
      compiler_(Texts(texts), cache_of(request.host),
                [host = request.host](const std::string& line) { host.log(ATTN_LOG_INFO, line); }) {
  request.host.log(ATTN_LOG_INFO,
                   attn::text("NVRTC ", compiler_.nvrtc_version(), ", compiling for ",
                              compiler_.architecture(target_.compute_capability)));
}

Choice FlashProvider::choose_for(const attn::PlanRequest& request, const Problem& problem) const {
  return choose(request.is_backward() ? engines_.backward : engines_.forward, problem,
                cell_of(request, target_));
}

attn::Answer FlashProvider::supports(const attn::PlanRequest& request) const {
  attn::Answer answer = check_request(request);
  if (answer.status != ATTN_OK) return answer;
  return choose_for(request, problem_of(request)).answer;
}

std::unique_ptr<FlashPlan> FlashProvider::make_plan(const attn::PlanRequest& request) {
  const Problem problem = problem_of(request);
  Choice choice = choose_for(request, problem);
  const Binary& binary = compiler_.get(*choice.engine, choice.cell);
  return std::make_unique<FlashPlan>(driver_, problem, std::move(choice), binary, request.options);
}

}  // namespace kernel_kit
