// What a GPU is called, can hold and can reach at most.
#pragma once

#include <attnbench/provider.h>

#include <optional>
#include <string>
#include <string_view>

#include "device/cuda_driver.h"
#include "model/device_facts.h"

namespace attnbench {

// 3 of "cuda:3"; nothing if `device` is no GPU's name.
std::optional<int> cuda_ordinal(std::string_view device);

// By name and attributes; makes no context. Throws Error if there is no such GPU. `facts.name` is
// left for the caller to point at `name`.
void identify_cuda(const CudaDriver& driver, int ordinal, attn_device& facts, std::string& name);

// All but `device` and `free_bytes`.
DeviceFacts facts_of_cuda(const CudaDriver& driver, int ordinal);

// Fills in the data sheet's peaks for the GPU of that name. Leaves them empty for one that is not
// in the table: better no roofline than a wrong one.
void add_data_sheet(std::string_view name, DeviceFacts& facts);

}  // namespace attnbench
