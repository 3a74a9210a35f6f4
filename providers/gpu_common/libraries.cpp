#include "gpu_common/libraries.h"

#include <dlfcn.h>
#include <glob.h>

#include <attnbench/provider.hpp>

namespace gpu {
namespace {

// Never closed: NVIDIA's libraries have threads and exit handlers of their own.
constexpr int kForever = RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE;

std::vector<std::string> matching(const char* pattern) {
  std::vector<std::string> paths;
  glob_t found{};
  if (glob(pattern, 0, nullptr, &found) == 0) {
    paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  globfree(&found);
  return paths;
}

void* try_to_open(const char* file) {
  if (void* library = dlopen(file, kForever)) return library;
  for (const std::string& directory : usual_directories()) {
    if (void* library = dlopen((directory + "/" + file).c_str(), kForever)) return library;
  }
  return nullptr;
}

}  // namespace

std::vector<std::string> usual_directories() {
  std::vector<std::string> directories;
  for (const char* pattern : {
           "/usr/local/cuda/lib64",
           "/usr/local/cuda-13*/lib64",
           "/opt/cuda/lib64",
           "/usr/local/lib/python3*/*-packages/nvidia/*/lib",
           "/usr/lib/python3*/*-packages/nvidia/*/lib",
           "/opt/*/lib/python3*/site-packages/nvidia/*/lib",
           "/opt/*/.venv/lib/python3*/site-packages/nvidia/*/lib",
       }) {
    const std::vector<std::string> found = matching(pattern);
    directories.insert(directories.end(), found.begin(), found.end());
  }
  return directories;
}

void* open_library(const char* file, const char* how_to_get_it) {
  const char* opened = nullptr;
  return open_any_library(std::span(&file, 1), how_to_get_it, opened);
}

void* open_any_library(std::span<const char* const> files, const char* how_to_get_it,
                       const char*& file) {
  for (const char* const candidate : files) {
    file = candidate;
    if (void* library = try_to_open(candidate)) return library;
  }
  const size_t places = usual_directories().size();
  throw attn::Failure(
      ATTN_UNSUPPORTED_DEPENDENCY,
      attn::text(files.front(), " cannot be opened, neither by the loader's rules nor in ", places,
                 " usual directories -- ", how_to_get_it,
                 ", or name its directory in LD_LIBRARY_PATH"));
}

void preload_library(const char* file) {
  try_to_open(file);
}

void* find_symbol(void* library, const char* file, const char* name) {
  if (void* symbol = dlsym(library, name)) return symbol;
  throw attn::Failure(ATTN_UNSUPPORTED_DEPENDENCY, attn::text(file, " has no ", name, ": too old"));
}

}  // namespace gpu
