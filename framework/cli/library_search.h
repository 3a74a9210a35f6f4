// Where NVIDIA's libraries lie. The worker's loader looks in LD_LIBRARY_PATH and in the system's
// directories; a CUDA Toolkit or pip may have put them elsewhere. So the host looks by path, and
// adds to the worker's LD_LIBRARY_PATH what the loader would miss: providers just open
// "libcudnn.so.9" and need no search of their own.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace attnbench {

// From environment variables and PATH; empty where not set.
struct LibraryHints {
  std::string loader_path;                          // LD_LIBRARY_PATH
  std::vector<std::filesystem::path> toolkits;      // CUDA_HOME, CUDA_PATH
  std::filesystem::path nvcc;                       // found on PATH
  std::vector<std::filesystem::path> python_roots;  // what holds lib/python3*/site-packages
};

struct LibraryPlace {
  std::string file;                 // "libcudnn.so.9"
  std::filesystem::path directory;  // empty: found nowhere
  bool is_loaders = false;          // the loader looks there by itself
};

// One row for each of model/inspection.h's kCudaLibraries. `root` is "/", or a stand-in for it.
std::vector<LibraryPlace> find_libraries(const std::filesystem::path& root,
                                         const LibraryHints& hints);

// LD_LIBRARY_PATH for workers: the user's own, then what the loader would miss.
std::string worker_loader_path(const LibraryHints& hints, const std::vector<LibraryPlace>& places);

// The root of a CUDA Toolkit that builds can use; empty: none.
std::filesystem::path find_toolkit(const std::filesystem::path& root, const LibraryHints& hints);

}  // namespace attnbench
