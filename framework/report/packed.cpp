#include "report/packed.h"

#include <zlib.h>

#include <cstdint>

#include "base/error.h"

namespace attnbench {

std::string base64(std::string_view bytes) {
  constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t left = bytes.size() - i;
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j) {
      const unsigned char byte = j < left ? static_cast<unsigned char>(bytes[i + j]) : 0;
      group = group << 8 | byte;
    }
    for (size_t j = 0; j < 4; ++j) text += j <= left ? kAlphabet[group >> (18 - 6 * j) & 63] : '=';
  }
  return text;
}

std::string packed(std::string_view bytes) {
  uLongf size = compressBound(bytes.size());
  std::string compressed(size, '\0');
  const int status =
      compress2(reinterpret_cast<Bytef*>(compressed.data()), &size,
                reinterpret_cast<const Bytef*>(bytes.data()), bytes.size(), Z_DEFAULT_COMPRESSION);
  if (status != Z_OK) throw Error("zlib could not compress a page's data: out of memory");
  compressed.resize(size);
  return base64(compressed);
}

}  // namespace attnbench
