// What can be said of a shared library before it is loaded: loading runs its code, and dlopen's
// words for a damaged file ("invalid ELF header") do not tell a reader what to do.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "model/provider_info.h"

namespace attnbench {

// A file that is no usable provider, and why, as one line.
struct LibraryFault {
  LibraryState state = LibraryState::load_failed;
  std::string reason;
};

// Looks at the file's header and at how far its segments reach. Nothing when it could be loaded.
std::optional<LibraryFault> find_elf_fault(const std::filesystem::path& path);

}  // namespace attnbench
