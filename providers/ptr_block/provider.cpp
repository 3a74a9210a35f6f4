// ptr_block: flash attention from blocks of per-thread pointers. Each thread knows the addresses
// and masks of what it copies: cp.async, no TMA, any stride. This file is the provider as attnbench
// sees it; engines.cpp lists who computes, kernel_kit/ does all that both flash providers need.
#include <attnbench/provider.hpp>

#include "ptr_block/engines.h"

namespace ptr_block {
namespace {

class Provider {
 public:
  static attn::Descriptor descriptor() {
    return kernel_kit::FlashProvider::descriptor(
        "ptr_block", "Flash attention, pointer blocks",
        "flash attention from per-thread addresses: cp.async with wgmma or mma.sync, compiled at "
        "run time");
  }
  static int32_t probe(const attn::Device& device) {
    return kernel_kit::FlashProvider::probe(device);
  }

  explicit Provider(const attn::CreateRequest& request) : flash_(request, engines(), texts()) {}
  attn::Answer supports(const attn::PlanRequest& request) { return flash_.supports(request); }
  std::unique_ptr<kernel_kit::FlashPlan> make_plan(const attn::PlanRequest& request) {
    return flash_.make_plan(request);
  }

 private:
  kernel_kit::FlashProvider flash_;
};

}  // namespace
}  // namespace ptr_block

ATTN_PROVIDERS(ptr_block::Provider)
