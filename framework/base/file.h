// Files as the store needs them: read whole, replaced atomically, appended durably.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/descriptor.h"

namespace attnbench {

// Throws Error naming path and reason (missing, directory, unreadable).
std::string read_file(const std::filesystem::path& path);

// Writes a temporary file beside `path`, fsyncs it, renames it over `path`, fsyncs the directory:
// a reader sees the old text or the new, never half of one.
void replace_file(const std::filesystem::path& path, std::string_view text);

// An open descriptor that appends. Move-only: it owns the descriptor.
class AppendFile {
 public:
  explicit AppendFile(const std::filesystem::path& path);  // creates it; throws Error

  // One write and one fsync. On failure (full disk) cuts the file back to its former length, so
  // that no torn text stays behind, and throws Error.
  void append(std::string_view text);

 private:
  std::filesystem::path path_;
  Descriptor descriptor_;
};

}  // namespace attnbench
