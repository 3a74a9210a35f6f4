// NVRTC, NVIDIA's run-time compiler, opened at run time: libnvrtc.so.13, else .12.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kernel_kit/texts.h"

namespace kernel_kit {

struct CompilerOutput {
  std::string image;  // a cubin; PTX for a compute_ architecture
  std::string log;
};

class Nvrtc {
 public:
  Nvrtc();  // throws attn::Failure where there is none
  ~Nvrtc();
  // One owner of the table of functions.
  Nvrtc(const Nvrtc&) = delete;
  Nvrtc& operator=(const Nvrtc&) = delete;

  const std::string& version() const { return version_; }  // "13.0"
  bool supports(int compute_capability) const;

  // Compiles files[0], which may include the others by their paths. Throws attn::Failure
  // (ATTN_COMPILE_FAILED) with the first error of the log.
  CompilerOutput compile(const std::vector<TextFile>& files,
                         const std::vector<std::string>& options) const;

 private:
  struct Functions;
  class Program;

  std::unique_ptr<const Functions> functions_;
  std::string version_;
};

}  // namespace kernel_kit
