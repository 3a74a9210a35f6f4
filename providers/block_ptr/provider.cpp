// block_ptr: flash attention from tile descriptors. A tile is described once (base, shape, strides,
// block) and advanced: TMA tensor maps and wgmma on Hopper, the same in software elsewhere. This
// file is the provider as attnbench sees it; engines.cpp lists who computes, kernel_kit/ does the
// rest.
#include <attnbench/provider.hpp>

#include "block_ptr/engines.h"

namespace block_ptr {
namespace {

class Provider {
 public:
  static attn::Descriptor descriptor() {
    return kernel_kit::FlashProvider::descriptor("block_ptr", "Flash attention, block pointers",
                                                 "flash attention from tile descriptors: TMA with "
                                                 "wgmma on Hopper, mma.sync elsewhere, compiled at "
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
}  // namespace block_ptr

ATTN_PROVIDERS(block_ptr::Provider)
