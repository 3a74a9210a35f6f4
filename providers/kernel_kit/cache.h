// Compiled kernels on disk. An entry is a file named by its key, written whole or not at all: into
// a temporary file, flushed, renamed. Two processes may write the same entry; a reader sees one of
// them. An entry that is cut off or changed is no entry; a directory that cannot be written only
// costs time.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace kernel_kit {

class Cache {
 public:
  Cache() = default;  // keeps nothing
  explicit Cache(std::filesystem::path directory) : directory_(std::move(directory)) {}

  std::optional<std::string> read(const std::string& key) const;
  // Returns why it could not be kept; empty if it was, or if nothing is to be kept.
  std::string write(const std::string& key, const std::string& bytes) const;

 private:
  std::filesystem::path directory_;
};

}  // namespace kernel_kit
