#include "measure/peak.h"

#include <algorithm>

namespace attnbench {

std::optional<double> device_peak_tflops(const DeviceFacts& facts, Dtype dtype) {
  return dtype == Dtype::fp32 ? facts.peak_tflops_fp32 : facts.peak_tflops_16bit;
}

std::optional<double> trial_peak_tflops(const DeviceFacts& facts, Dtype dtype,
                                        const Options& resolved_options) {
  const std::optional<double> whole = device_peak_tflops(facts, dtype);
  const Options::const_iterator found = resolved_options.find("threads");
  if (!whole || !facts.peak_tflops_one_thread || found == resolved_options.end()) return whole;
  const int64_t* threads = std::get_if<int64_t>(&found->second);
  if (threads == nullptr || *threads < 1 || *threads >= facts.threads) return whole;
  // Cores that share a power budget are slower together, so n threads never count for more than
  // all.
  return std::min(*whole, static_cast<double>(*threads) * *facts.peak_tflops_one_thread);
}

}  // namespace attnbench
