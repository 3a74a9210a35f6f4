#include "kernel_kit/report.h"

#include "support/catch.h"

namespace kernel_kit {
namespace {

// What NVRTC 13.0 writes, and with `ptxas info` before each line, as nvcc does.
constexpr const char* kLog = R"(ptxas info    : 0 bytes gmem
ptxas info    : (C7519) Potential Performance Loss: wgmma.mma_async instructions are injected with warpgroup.arrive in function 'forward'
ptxas info    : (C7519) Potential Performance Loss: the same again in function 'forward'
ptxas info    : (C7512) Potential Performance Loss: wgmma.mma_async instructions are serialized in function 'forward'
ptxas info    : Compiling entry function 'backward_prepare' for 'sm_90a'
ptxas info    : Function properties for backward_prepare
ptxas         .     0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 6 registers, used 0 barriers
ptxas info    : Compile time = 1.965 ms
ptxas info    : Compiling entry function 'forward' for 'sm_90a'
ptxas info    : Function properties for forward
ptxas         .     96 bytes stack frame, 40 bytes spill stores, 44 bytes spill loads
ptxas info    : Used 168 registers, used 9 barriers, 400 bytes smem
ptxas info    : Compile time = 7.119 ms
)";

TEST_CASE("registers, spills and shared memory are read for each kernel of a log", "[report]") {
  const Report report = read_report(kLog);
  REQUIRE(report.kernels.size() == 2);
  const KernelReport* const forward = report.find("forward");
  REQUIRE(forward != nullptr);
  CHECK(forward->registers == 168);
  CHECK(forward->spill_bytes == 44);
  CHECK(forward->static_shared_bytes == 400);
  const KernelReport* const prepare = report.find("backward_prepare");
  REQUIRE(prepare != nullptr);
  CHECK(prepare->registers == 6);
  CHECK(prepare->spill_bytes == 0);
  CHECK(report.find("backward") == nullptr);
}

TEST_CASE("each remark on lost performance is named once", "[report]") {
  CHECK(read_report(kLog).warnings == std::vector<std::string>{"C7512", "C7519"});
}

TEST_CASE("a log that says nothing makes an empty report", "[report]") {
  for (const char* log : {"", "\n", "ptxas info    : 0 bytes gmem", "(C75", "registers"}) {
    const Report report = read_report(log);
    CHECK(report.kernels.empty());
    CHECK(report.warnings.empty());
  }
}

}  // namespace
}  // namespace kernel_kit
