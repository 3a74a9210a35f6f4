// The providers that ship with attnbench, as far as a plan must know them where they are not
// installed: a sweep that names them is planned and counted on any machine, with the numbers that
// it will have where they are. An installed provider's own description is always believed instead.
#pragma once

#include <span>
#include <string_view>

namespace attnbench {

struct ShippedProvider {
  std::string_view id;
  std::string_view device_type;
  std::span<const std::string_view> options;
};

inline constexpr std::string_view kFlashOptions[] = {"block_q", "block_k", "num_warps",
                                                     "num_stages", "deterministic"};
inline constexpr std::string_view kCpuFlashOptions[] = {"block_q", "block_k", "threads"};

inline constexpr ShippedProvider kShippedProviders[] = {
    {"block_ptr", "cuda", kFlashOptions},   {"ptr_block", "cuda", kFlashOptions},
    {"unfused_sdpa", "cuda", {}},           {"cudnn_sdpa", "cuda", {}},
    {"cpu_flash", "cpu", kCpuFlashOptions}, {"cpu_reference", "cpu", {}}};

}  // namespace attnbench
