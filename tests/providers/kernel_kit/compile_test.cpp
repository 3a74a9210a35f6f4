// The way from text to a binary, with kernels that exist only here. Needs NVRTC, no GPU.
#include "kernel_kit/compile.h"

#include <fstream>

#include "support/catch.h"
#include "support/scratch.h"

namespace kernel_kit {
namespace {

constexpr TextFile kTexts[] = {
    {"test/shift.h", "#pragma once\nconstexpr int kShift = BLOCK_Q;\n"},
    {"test/good.cu",
     "#include \"kernel_kit/device/attention.h\"\n#include \"test/shift.h\"\n"
     "extern \"C\" __global__ void forward(const __grid_constant__ AttentionArguments a) {\n"
     "  a.lse[threadIdx.x] = a.scale * kShift + IS_BF16 + EXTRA;\n}\n"},
    {"test/bad.cu", "extern \"C\" __global__ void forward() { undeclared = 1; }\n"},
    {"test/astray.cu", "#include \"test/nowhere.h\"\n"},
};

Engine engine_of(const char* source) {
  return {"test_engine", source, nullptr,
          [](const Cell&) { return std::vector<std::string>{"EXTRA=3"}; }, nullptr};
}

Cell cell_for(int compute_capability, int block_q = 64) {
  Cell cell;
  cell.target = {compute_capability, 232448, 132};
  cell.tile = {block_q, 64, 4, 2};
  cell.head_dim = 128;
  return cell;
}

// What happens, in words; nothing is said where there is no NVRTC.
struct Bench {
  explicit Bench(Cache cache = {}) {
    try {
      compiler.emplace(Texts(kTexts), std::move(cache),
                       [this](const std::string& line) { lines.push_back(line); });
    } catch (const attn::Failure& failure) {
      WARN("SKIPPED: " << failure.what());
    }
  }
  std::vector<std::string> lines;
  std::optional<Compiler> compiler;
};

TEST_CASE("a kernel is compiled once, and reported", "[compile]") {
  Bench bench;
  if (!bench.compiler) return;
  const Engine good = engine_of("test/good.cu");
  const Binary& first = bench.compiler->get(good, cell_for(90));
  CHECK(first.image.substr(0, 4) ==
        "\x7f"
        "ELF");
  const KernelReport* const forward = first.report.find("forward");
  REQUIRE(forward != nullptr);
  CHECK(forward->registers > 0);
  CHECK(forward->spill_bytes == 0);
  CHECK(&bench.compiler->get(good, cell_for(90)) == &first);
  REQUIRE(bench.lines.size() == 1);
  CHECK(bench.lines[0].find("test_engine") != std::string::npos);
  CHECK(bench.compiler->get(good, cell_for(90, 32)).image != first.image);
}

TEST_CASE("another process finds the kernel in the cache; a spoiled entry is compiled again",
          "[compile]") {
  Scratch scratch;
  const Engine good = engine_of("test/good.cu");
  std::string image;
  for (const size_t expected_compilations : {1, 0}) {
    Bench bench{Cache(scratch.path())};
    if (!bench.compiler) return;
    const Binary& binary = bench.compiler->get(good, cell_for(90));
    CHECK(bench.lines.size() == expected_compilations);
    CHECK((image.empty() || binary.image == image));
    CHECK(binary.report.find("forward") != nullptr);
    image = binary.image;
  }
  for (const auto& entry : std::filesystem::directory_iterator(scratch.path())) {
    std::ofstream(entry.path(), std::ios::binary | std::ios::app) << "spoiled";
  }
  for (const size_t expected_compilations : {1, 0}) {
    Bench bench{Cache(scratch.path())};
    CHECK(bench.compiler->get(good, cell_for(90)).image == image);
    CHECK(bench.lines.size() == expected_compilations);
  }
}

TEST_CASE("a cache that cannot be written costs time, and says why once", "[compile]") {
  Scratch scratch;
  std::ofstream(scratch / "file") << "in the way";
  Bench bench{Cache(scratch / "file/cache")};
  if (!bench.compiler) return;
  bench.compiler->get(engine_of("test/good.cu"), cell_for(90));
  bench.compiler->get(engine_of("test/good.cu"), cell_for(90));
  REQUIRE(bench.lines.size() == 2);
  CHECK(bench.lines[1].find("not kept") != std::string::npos);
}

TEST_CASE("a GPU newer than we know gets PTX that its driver compiles", "[compile]") {
  Bench bench;
  if (!bench.compiler) return;
  CHECK(bench.compiler->architecture(90) == "sm_90a");
  CHECK(bench.compiler->architecture(80) == "sm_80");
  CHECK(bench.compiler->architecture(200) == "compute_80");
  const Binary& binary = bench.compiler->get(engine_of("test/good.cu"), cell_for(200));
  CHECK(binary.image.find(".target sm_80") != std::string::npos);
  CHECK(binary.report.kernels.empty());
  CHECK(bench.compiler->ptx(engine_of("test/good.cu"), cell_for(90)).find(".target sm_90a") !=
        std::string::npos);
}

TEST_CASE("an error in a kernel is told with its place", "[compile]") {
  Bench bench;
  if (!bench.compiler) return;
  try {
    bench.compiler->get(engine_of("test/bad.cu"), cell_for(90));
    FAIL("it compiled");
  } catch (const attn::Failure& failure) {
    CHECK(failure.status() == ATTN_COMPILE_FAILED);
    CHECK(failure.native_domain() == ATTN_NATIVE_NVRTC);
    CHECK(std::string(failure.what()).find("test/bad.cu(1)") != std::string::npos);
  }
  CHECK_THROWS_AS(bench.compiler->get(engine_of("test/astray.cu"), cell_for(90)), attn::Failure);
}

TEST_CASE("a text comes with all that it includes, each once", "[compile]") {
  const std::vector<TextFile> files = Texts(kTexts).closure("test/good.cu");
  REQUIRE(files.size() == 3);
  CHECK(std::string(files[0].path) == "test/good.cu");
  CHECK(std::string(files[1].path) == "kernel_kit/device/attention.h");
  CHECK(std::string(files[2].path) == "test/shift.h");
}

}  // namespace
}  // namespace kernel_kit
