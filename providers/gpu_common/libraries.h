// NVIDIA's libraries, found at run time: a provider that needs one lists on a machine without it
// and says why it cannot run there. Nothing of CUDA is linked.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace gpu {

// Where a library is looked for when the loader's own rules (LD_LIBRARY_PATH, ldconfig) do not find
// it: a CUDA Toolkit's usual places, then what pip's nvidia-* packages installed.
std::vector<std::string> usual_directories();

// Opens `file` ("libcudnn.so.9"), for the rest of the process. Throws attn::Failure
// (ATTN_UNSUPPORTED_DEPENDENCY), which says where it was looked for and how to get it.
void* open_library(const char* file, const char* how_to_get_it);

// The same for the first of several that can be opened, which `file` then names.
void* open_any_library(std::span<const char* const> files, const char* how_to_get_it,
                       const char*& file);

// The same for one that another library will ask for by name: found, it is there; not found, that
// library has words of its own.
void preload_library(const char* file);

void* find_symbol(void* library, const char* file, const char* name);  // throws attn::Failure

template <typename Function>
void find_function(void* library, const char* file, const char* name, Function*& function) {
  function = reinterpret_cast<Function*>(find_symbol(library, file, name));
}

}  // namespace gpu
