// The JSON type of the whole program: keys keep the order in which they were written.
// Include <nlohmann/json.hpp> in the .cpp that works with values; headers only name the type.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace attnbench {
using Json = nlohmann::ordered_json;
}  // namespace attnbench
