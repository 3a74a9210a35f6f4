// A provider's .so, loaded: the only place that names Boost.DLL. Loading runs a stranger's code, so
// only a worker does it. Behind ProviderLibrary lies a table that has passed table.h's checks;
// Instance and Plan (instance.h) are its C++ face.
#pragma once

#include <attnbench/provider.h>

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "model/provider_info.h"
#include "provider/elf.h"

namespace attnbench {

// The file is no provider that this host can use.
class LibraryError : public std::runtime_error {
 public:
  explicit LibraryError(const LibraryFault& fault)
      : std::runtime_error(fault.reason), state(fault.state) {}
  LibraryState state;
};

class ProviderLibrary {
 public:
  explicit ProviderLibrary(const std::filesystem::path& path);  // throws LibraryError
  ~ProviderLibrary();
  // Descriptors and functions point into the loaded file: it stays where it is.
  ProviderLibrary(const ProviderLibrary&) = delete;
  ProviderLibrary& operator=(const ProviderLibrary&) = delete;

  const attn_provider_api& api() const { return *api_; }
  attn_provider_entry_v1_fn entry() const { return entry_; }
  // nullptr: the file holds no provider of that id.
  const attn_provider_desc* find(const std::string& id) const;
  // All providers of the file, `usable` and the host's fields still empty.
  std::vector<ProviderInfo> infos() const;
  // What the provider says of `device` on this machine.
  Usability probe(const std::string& id, const attn_device& device,
                  const std::string& device_text) const;

 private:
  struct Loaded;
  std::unique_ptr<Loaded> loaded_;
  attn_provider_entry_v1_fn entry_ = nullptr;
  const attn_provider_api* api_ = nullptr;
};

}  // namespace attnbench
