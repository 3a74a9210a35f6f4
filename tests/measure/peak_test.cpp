#include "measure/peak.h"

#include "support/catch.h"

namespace attnbench {
namespace {

DeviceFacts two_cores() {
  DeviceFacts facts;
  facts.threads = 2;
  facts.peak_tflops_fp32 = 0.30;
  facts.peak_tflops_16bit = 0.40;
  facts.peak_tflops_one_thread = 0.18;
  return facts;
}

Options with_threads(int64_t threads) {
  return {{"threads", OptionValue(threads)}};
}

}  // namespace

TEST_CASE("a trial on one thread is measured against one core", "[measure]") {
  CHECK(trial_peak_tflops(two_cores(), Dtype::fp32, with_threads(1)) == 0.18);
  CHECK(trial_peak_tflops(two_cores(), Dtype::fp32, with_threads(2)) == 0.30);
  CHECK(trial_peak_tflops(two_cores(), Dtype::fp32, {}) == 0.30);
  CHECK(trial_peak_tflops(two_cores(), Dtype::fp16, {}) == 0.40);
}

TEST_CASE("some threads never have a higher peak than all of them", "[measure]") {
  DeviceFacts facts = two_cores();
  facts.threads = 3;
  CHECK(trial_peak_tflops(facts, Dtype::fp32, with_threads(2)) == 0.30);
}

TEST_CASE("without a peak of one thread, or with an option of another kind, the device's counts",
          "[measure]") {
  DeviceFacts facts = two_cores();
  CHECK(trial_peak_tflops(facts, Dtype::fp32, {{"threads", OptionValue(std::string("one"))}}) ==
        0.30);
  facts.peak_tflops_one_thread.reset();
  CHECK(trial_peak_tflops(facts, Dtype::fp32, with_threads(1)) == 0.30);
  facts.peak_tflops_fp32.reset();
  CHECK_FALSE(trial_peak_tflops(facts, Dtype::fp32, with_threads(1)));
}

}  // namespace attnbench
