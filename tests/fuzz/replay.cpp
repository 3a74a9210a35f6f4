// Runs a fuzz target once for each file of the folders named, where libFuzzer is not linked: the
// seeds, and what was once found with them, become an ordinary test.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "fuzz/fuzz.h"

namespace fs = std::filesystem;

int main(int argc, char** argv) {
  int files = 0;
  for (int i = 1; i < argc; ++i) {
    for (const fs::directory_entry& entry : fs::directory_iterator(argv[i])) {
      std::ifstream file(entry.path(), std::ios::binary);
      const std::string bytes{std::istreambuf_iterator<char>(file), {}};
      attnbench::require(file.good(), "a seed can be read", entry.path().string());
      std::printf("%s\n", entry.path().c_str());
      std::fflush(stdout);  // so that the file which ends the process is the last one named
      LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
      ++files;
    }
  }
  attnbench::require(files > 0, "there are seeds", "name at least one folder");
  return 0;
}
