// A pass of flash attention, ready to run: compiled, loaded, its parameters laid out.
#pragma once

#include <attnbench/provider.hpp>
#include <vector>

#include "gpu_common/driver.h"
#include "kernel_kit/choose.h"
#include "kernel_kit/compile.h"
#include "kernel_kit/module.h"

namespace kernel_kit {

class FlashPlan {
 public:
  // Loads the binary into the current context. Throws attn::Failure.
  FlashPlan(const gpu::Driver& driver, const Problem& problem, Choice choice, const Binary& binary,
            const attn::Options& asked);

  attn::PlanInfo info() const { return info_; }
  void execute(const attn::Execution& pass);

 private:
  struct Step {
    Launch launch;
    CUfunction function = nullptr;
    std::vector<CUtensorMap> maps;
    std::vector<void*> parameters;  // to arguments_ and maps
    std::vector<const void*> mapped_addresses;
  };

  void add_step(const Launch& launch, const Engine& engine, const Report& report);
  void bind(const attn::Execution& pass);
  void encode_maps(Step& step);

  const gpu::Driver& driver_;
  const bool is_bf16_;
  const Recipe recipe_;
  AttentionArguments arguments_;
  Module module_;
  std::vector<Step> steps_;
  attn::PlanInfo info_;
};

}  // namespace kernel_kit
