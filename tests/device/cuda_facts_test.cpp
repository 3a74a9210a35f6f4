#include "device/cuda_facts.h"

#include "base/error.h"
#include "device/open_device.h"
#include "support/catch.h"

using namespace attnbench;

TEST_CASE("a GPU's name is cuda: and a number, nothing else", "[device]") {
  CHECK(cuda_ordinal("cuda:0") == 0);
  CHECK(cuda_ordinal("cuda:12") == 12);
  for (const char* other : {"cpu", "cuda", "cuda:", "cuda:-1", "cuda:x", "cuda:1x", "rocm:0"}) {
    CHECK_FALSE(cuda_ordinal(other).has_value());
  }
}

TEST_CASE("peaks are those of the very model, or none", "[device]") {
  const auto facts_of = [](const char* name) {
    DeviceFacts facts;
    add_data_sheet(name, facts);
    return facts;
  };
  CHECK(facts_of("NVIDIA H100 80GB HBM3").peak_tflops_16bit == 989.4);
  CHECK(facts_of("NVIDIA H100 80GB HBM3").peak_gbps == 3352);
  CHECK(facts_of("NVIDIA H200").peak_gbps == 4800);
  CHECK(facts_of("NVIDIA H200 NVL").peak_tflops_16bit == 835);
  CHECK(facts_of("NVIDIA A100-SXM4-80GB").peak_gbps == 2039);
  CHECK_FALSE(facts_of("NVIDIA H100").peak_tflops_16bit.has_value());  // SXM, PCIe or NVL?
  CHECK_FALSE(facts_of("NVIDIA A10G").peak_tflops_16bit.has_value());
  CHECK_FALSE(facts_of("NVIDIA GeForce GTX 1080").peak_gbps.has_value());
}

TEST_CASE("a device that is not there is an error that says what to do", "[device]") {
  CHECK_THROWS_AS(DeviceIdentity("gpu"), Error);
  CHECK_THROWS_AS(open_device("cuda:99"), Error);
  try {
    DeviceIdentity("cuda:99");
  } catch (const Error& error) {
    CHECK_FALSE(error.hint().empty());
  }
}
