// What a provider may ask of its host, as the ABI's attn_host.
#pragma once

#include <attnbench/provider.h>

#include <atomic>
#include <map>
#include <string>

#include "worker/channel.h"

namespace attnbench {

class HostTable {
 public:
  HostTable(Channel& channel, std::map<std::string, std::string> settings);
  // The table points at this object.
  HostTable(const HostTable&) = delete;
  HostTable& operator=(const HostTable&) = delete;

  const attn_host& get() const { return table_; }
  // Whether the provider has asked where it may keep compiled kernels.
  bool has_told_cache_dir() const { return has_told_cache_dir_; }

 private:
  static void log(void* self, int32_t level, const char* text) noexcept;
  static const char* config(void* self, const char* key) noexcept;
  static const void* get_extension(void* self, const char* id) noexcept;

  Channel& channel_;
  std::map<std::string, std::string> settings_;
  std::atomic<bool> has_told_cache_dir_{false};  // config may be called from any thread
  attn_host table_{};
};

}  // namespace attnbench
