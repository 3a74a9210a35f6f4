// Kernel text as the build embedded it, found by path from providers/: "kernel_kit/device/ptx.cuh".
#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace kernel_kit {

struct TextFile {
  const char* path;
  const char* text;
};

class Texts {
 public:
  explicit Texts(std::span<const TextFile> of_provider);  // the kit's own are always there

  // The file and all that it includes, each once, the file first. Throws attn::Failure
  // (ATTN_INTERNAL) if one is not embedded.
  std::vector<TextFile> closure(std::string_view path) const;

 private:
  const TextFile* find(std::string_view path) const;

  std::span<const TextFile> of_kit_, of_provider_;
};

}  // namespace kernel_kit
