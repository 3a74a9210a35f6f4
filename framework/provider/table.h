// Reads a provider library's table with suspicion: everything behind these pointers was written by
// a stranger. What passes here may be used without further checks by the rest of the worker.
#pragma once

#include <attnbench/provider.h>

#include <optional>
#include <string>
#include <vector>

#include "provider/elf.h"

namespace attnbench {

// Why the table cannot be used: an ABI of another age, or a broken promise (names field and owner).
std::optional<LibraryFault> find_table_fault(const attn_provider_api* api);

// What a descriptor says, in the words of the model. `desc` has passed find_table_fault.
ProviderInfo info_from(const attn_provider_api& api, const attn_provider_desc& desc);

// "fp16", "bf16", "fp32"; others by code and bits ("dtype2x64").
std::string dtype_name(attn_dtype dtype);

}  // namespace attnbench
