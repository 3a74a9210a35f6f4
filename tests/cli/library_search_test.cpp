#include "cli/library_search.h"

#include <fstream>

#include "support/catch.h"
#include "support/scratch.h"

namespace attnbench {
namespace {

namespace fs = std::filesystem;

void put(const fs::path& path, const std::string& text = "") {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

const LibraryPlace& place_of(const std::vector<LibraryPlace>& places, const std::string& file) {
  for (const LibraryPlace& place : places) {
    if (place.file == file) return place;
  }
  throw std::runtime_error("no row for " + file);
}

}  // namespace

TEST_CASE("a machine without NVIDIA's libraries leaves the loader's path alone", "[cli]") {
  const Scratch scratch;
  LibraryHints hints;
  hints.loader_path = "/my/lib:/your/lib";
  const std::vector<LibraryPlace> places = find_libraries(scratch.path(), hints);
  for (const LibraryPlace& place : places) CHECK(place.directory.empty());
  CHECK(worker_loader_path(hints, places) == "/my/lib:/your/lib");
  CHECK(find_toolkit(scratch.path(), hints).empty());
}

TEST_CASE("a library that the loader knows needs no help", "[cli]") {
  const Scratch scratch;
  const fs::path& root = scratch.path();
  put(root / "etc/ld.so.conf.d/cuda.conf", "# a comment\n/opt/nvidia/lib\n");
  put(root / "opt/nvidia/lib/libcudnn.so.9");
  put(root / "home/.local/lib/python3.11/site-packages/nvidia/cudnn/lib/libcudnn.so.9");
  LibraryHints hints;
  hints.python_roots = {root / "home/.local"};
  const std::vector<LibraryPlace> places = find_libraries(root, hints);
  CHECK(place_of(places, "libcudnn.so.9").directory == root / "opt/nvidia/lib");
  CHECK(worker_loader_path(hints, places).empty());
}

TEST_CASE("what CUDA_HOME holds comes before what the loader knows", "[cli]") {
  const Scratch scratch;
  const fs::path& root = scratch.path();
  put(root / "usr/lib/x86_64-linux-gnu/libnvrtc.so.13");
  put(root / "cuda/lib64/libnvrtc.so.13");
  put(root / "cuda/bin/nvcc");
  LibraryHints hints;
  hints.toolkits = {root / "cuda"};
  CHECK(worker_loader_path(hints, find_libraries(root, hints)) == (root / "cuda/lib64").string());
  CHECK(find_toolkit(root, hints) == root / "cuda");
}

TEST_CASE("LD_LIBRARY_PATH comes first and stays first", "[cli]") {
  const Scratch scratch;
  const fs::path& root = scratch.path();
  put(root / "mine/libnvrtc.so.13");
  put(root / "cuda/lib64/libnvrtc.so.13");
  put(root / "cuda/lib64/libcublasLt.so.13");
  LibraryHints hints;
  hints.loader_path = (root / "mine").string();
  hints.toolkits = {root / "cuda"};
  const std::vector<LibraryPlace> places = find_libraries(root, hints);
  CHECK(place_of(places, "libnvrtc.so.13").directory == root / "mine");
  CHECK(worker_loader_path(hints, places) ==
        (root / "mine").string() + ":" + (root / "cuda/lib64").string());
}

TEST_CASE("pip's packages are found in a virtual environment and below /usr", "[cli]") {
  const Scratch scratch;
  const fs::path& root = scratch.path();
  const fs::path venv = root / "venv/lib/python3.12/site-packages/nvidia/cudnn/lib";
  const fs::path system = root / "usr/local/lib/python3.11/dist-packages/nvidia/cu13/lib";
  put(venv / "libcudnn.so.9");
  put(system / "libnvrtc.so.13");
  put(system / "libcudnn.so.9");
  LibraryHints hints;
  hints.python_roots = {root / "venv"};
  const std::vector<LibraryPlace> places = find_libraries(root, hints);
  CHECK(place_of(places, "libcudnn.so.9").directory == venv);
  CHECK(place_of(places, "libnvrtc.so.13").directory == system);
}

}  // namespace attnbench
