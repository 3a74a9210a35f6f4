// Which files may be providers: looks at names and directories, never into the files. The host's
// half of provider/; loading is library.h's business, in the worker.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace attnbench {

// Where providers are looked for, first wins. Plain values: cli/ reads the environment.
struct SearchPlaces {
  std::vector<std::filesystem::path> from_flags;  // --provider-dir
  std::string provider_path;                      // ATTNBENCH_PROVIDER_PATH, separated by ':'
  std::filesystem::path data_home;                // $XDG_DATA_HOME or ~/.local/share
  std::filesystem::path executable_dir;           // of the host
  std::filesystem::path install_dir;              // where `cmake --install` puts providers
};

// In order, absolute, each once. Empty and relative entries of provider_path are left out (they
// would mean the current directory); a relative flag is taken from the current directory, as typed.
std::vector<std::filesystem::path> search_path(const SearchPlaces& places);

// What makes a file the same file as last time.
struct FileIdentity {
  std::string path;  // canonical
  uint64_t device = 0, inode = 0, size_bytes = 0;
  int64_t mtime_ns = 0;
  std::string sha256;
  bool operator==(const FileIdentity&) const = default;
};
struct RefusedPlace {
  std::string path;
  std::string reason;  // what is wrong and what to do
};
struct Discovery {
  std::vector<FileIdentity> files;  // in search order; one inode once
  std::vector<RefusedPlace>
      refused;  // directories and files that were found but not trusted or read
};

// Every `*.provider.so` in the directories and one level of sub-directories, sorted by name within
// each directory. A missing directory is no fault. A directory that anybody may write to is
// refused.
Discovery find_provider_files(const std::vector<std::filesystem::path>& search_path);

}  // namespace attnbench
