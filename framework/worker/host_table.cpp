#include "worker/host_table.h"

namespace attnbench {

HostTable::HostTable(Channel& channel, std::map<std::string, std::string> settings)
    : channel_(channel), settings_(std::move(settings)) {
  table_.struct_size = ATTN_SIZE_TO(attn_host, get_extension);
  table_.abi_minor = ATTN_ABI_MINOR;
  table_.ctx = this;
  table_.name = "attnbench";
  table_.version = ATTNBENCH_VERSION;
  table_.log = &HostTable::log;
  table_.config = &HostTable::config;
  table_.get_extension = &HostTable::get_extension;
}

void HostTable::log(void* self, int32_t level, const char* text) noexcept {
  static_cast<HostTable*>(self)->channel_.log(level, text);
}

const char* HostTable::config(void* self, const char* key) noexcept {
  if (key == nullptr) return nullptr;
  HostTable& host = *static_cast<HostTable*>(self);
  if (std::string_view(key) == "cache_dir") host.has_told_cache_dir_ = true;
  for (const auto& [name, value] : host.settings_) {
    if (name == key) return value.c_str();
  }
  return nullptr;
}

const void* HostTable::get_extension(void*, const char*) noexcept {
  return nullptr;
}

}  // namespace attnbench
