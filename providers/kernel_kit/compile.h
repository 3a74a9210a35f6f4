// From an engine's text and a cell to a binary: out of memory, out of the cache, or out of NVRTC.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "kernel_kit/cache.h"
#include "kernel_kit/engine.h"
#include "kernel_kit/nvrtc.h"
#include "kernel_kit/report.h"
#include "kernel_kit/texts.h"

namespace kernel_kit {

struct Binary {
  std::string image;  // for cuModuleLoadData
  std::string log;    // the compiler's
  Report report;
};

class Compiler {
 public:
  // `log` is told what was compiled, and why the cache could not keep it.
  using Log = std::function<void(const std::string&)>;
  Compiler(const Texts& texts, Cache cache,
           Log log);  // throws attn::Failure where there is no NVRTC

  // Throws attn::Failure (ATTN_COMPILE_FAILED). The binary lives as long as the compiler.
  const Binary& get(const Engine& engine, const Cell& cell);

  // "sm_90a"; "compute_80" for a GPU that we or this NVRTC have never heard of, whose driver
  // compiles the rest.
  std::string architecture(int compute_capability) const;

  // The PTX that `cell` becomes on the way, to look at.
  std::string ptx(const Engine& engine, const Cell& cell) const;

  const std::string& nvrtc_version() const { return nvrtc_.version(); }

 private:
  std::string key_of(const std::vector<TextFile>& files,
                     const std::vector<std::string>& options) const;

  Texts texts_;
  Cache cache_;
  Log log_;
  Nvrtc nvrtc_;
  std::map<std::string, Binary> kept_;  // by key; also where the cache keeps nothing
};

}  // namespace kernel_kit
