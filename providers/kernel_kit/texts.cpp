#include "kernel_kit/texts.h"

#include <algorithm>
#include <attnbench/provider.hpp>

// By attnbench_embed_texts.
extern const kernel_kit::TextFile kernel_kit_texts[];
extern const size_t kernel_kit_num_texts;

namespace kernel_kit {
namespace {

// Paths in the #include "..." lines of a text, in order.
std::vector<std::string_view> includes_of(std::string_view text) {
  std::vector<std::string_view> paths;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const size_t open = line.find('"');
    if (!line.starts_with("#include") || open == std::string_view::npos) continue;
    paths.push_back(line.substr(open + 1, line.find('"', open + 1) - open - 1));
  }
  return paths;
}

}  // namespace

Texts::Texts(std::span<const TextFile> of_provider)
    : of_kit_(kernel_kit_texts, kernel_kit_num_texts), of_provider_(of_provider) {}

const TextFile* Texts::find(std::string_view path) const {
  for (const std::span<const TextFile> files : {of_provider_, of_kit_}) {
    for (const TextFile& file : files) {
      if (path == file.path) return &file;
    }
  }
  return nullptr;
}

std::vector<TextFile> Texts::closure(std::string_view path) const {
  std::vector<TextFile> found;
  std::vector<std::string_view> wanted{path};
  for (size_t next = 0; next < wanted.size(); ++next) {  // `wanted` grows meanwhile
    const TextFile* const file = find(wanted[next]);
    if (!file) {
      throw attn::Failure(ATTN_INTERNAL,
                          attn::text(std::string(wanted[next]), " is included, but not embedded"));
    }
    found.push_back(*file);
    for (const std::string_view include : includes_of(file->text)) {
      if (std::find(wanted.begin(), wanted.end(), include) == wanted.end()) {
        wanted.push_back(include);
      }
    }
  }
  return found;
}

}  // namespace kernel_kit
