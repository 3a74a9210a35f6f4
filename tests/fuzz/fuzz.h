// What the fuzz targets share. A target is a function of bytes that must return, whatever they are;
// it says what must hold with require(), because assert() is gone from release builds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace attnbench {

inline void require(bool holds, const char* what, const std::string& about) {
  if (holds) return;
  std::fprintf(stderr, "fuzz: this must hold: %s\nfuzz: %s\n", what, about.c_str());
  std::abort();
}

}  // namespace attnbench
