// What ptr_block and block_ptr have in common: all but their engines and their text.
#pragma once

#include <attnbench/provider.hpp>
#include <span>

#include "kernel_kit/compile.h"
#include "kernel_kit/flash_plan.h"

namespace kernel_kit {

// In order of preference, the most general last.
struct Engines {
  std::span<const Engine*const> forward, backward;
};

class FlashProvider {
 public:
  static attn::Descriptor descriptor(const char* id, const char* name, const char* description);
  static int32_t probe(const attn::Device& device);

  FlashProvider(const attn::CreateRequest& request, const Engines& engines,
                std::span<const TextFile> texts);
  attn::Answer supports(const attn::PlanRequest& request) const;
  std::unique_ptr<FlashPlan> make_plan(const attn::PlanRequest& request);

 private:
  Choice choose_for(const attn::PlanRequest& request, const Problem& problem) const;

  gpu::Driver driver_;
  Target target_;
  Engines engines_;
  Compiler compiler_;
};

}  // namespace kernel_kit
