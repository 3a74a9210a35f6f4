// Bytes as text inside a page: compressed, so that a run of ten thousand trials stays small, and in
// an alphabet that HTML cannot take for anything else.
#pragma once

#include <string>
#include <string_view>

namespace attnbench {

std::string base64(std::string_view bytes);

// zlib's format in base64: what a browser's DecompressionStream("deflate") reads.
std::string packed(std::string_view bytes);

}  // namespace attnbench
