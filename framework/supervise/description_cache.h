// Descriptions of provider files, kept between runs in one JSON file. An entry holds for exactly
// the file, the worker and the devices that it was made with. A cache that cannot be read or
// written only costs time, so it is never an error.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "model/provider_info.h"
#include "provider/discovery.h"

namespace attnbench {

class DescriptionCache {
 public:
  // An empty `file` keeps nothing.
  DescriptionCache(std::filesystem::path file, const std::filesystem::path& worker_executable,
                   const std::vector<std::string>& devices);
  const std::vector<ProviderInfo>* find(const FileIdentity& file) const;  // nullptr: not known
  void add(const FileIdentity& file, const std::vector<ProviderInfo>& rows);
  void save() const;  // entries of files that are gone do not pile up

 private:
  struct Entry {
    FileIdentity file;
    std::vector<ProviderInfo> rows;
  };
  void load();

  std::filesystem::path file_;
  std::string made_by_;                   // worker build and devices
  std::map<std::string, Entry> entries_;  // by path
  bool is_changed_ = false;
};

}  // namespace attnbench
