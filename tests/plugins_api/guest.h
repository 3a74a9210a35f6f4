// A provider under test: its table, an instance on the CPU, and the last error it gave.
#pragma once

#include <dlfcn.h>

#include <stdexcept>
#include <string>

#include "plugins_api/request.h"

namespace attnbench {

inline const attn_provider_api* load_table(const std::string& path) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) throw std::runtime_error(dlerror());
  void* symbol = dlsym(library, "attn_provider_entry_v1");
  if (!symbol) throw std::runtime_error(dlerror());
  const attn_provider_api* table = reinterpret_cast<attn_provider_entry_v1_fn>(symbol)(0, 0);
  if (!table) throw std::runtime_error(path + " serves no minor 0");
  return table;
}

class Guest {
 public:
  explicit Guest(const attn_provider_api* table, std::size_t index = 0)
      : api(table), id(table->providers[index]->id) {
    host.struct_size = ATTN_SIZE_TO(attn_host, get_extension);
    device.struct_size = ATTN_SIZE_TO(attn_device, uuid);
    device.id = {ATTN_DEVICE_CPU, 0};
    create_args = {ATTN_SIZE_TO(attn_create_args, device), 0, &host, id, &device};
    error.struct_size = ATTN_SIZE_TO(attn_error, message_length);
    error.message = text;
    error.message_capacity = sizeof text;
    status = api->create(&create_args, &instance, &error);
  }
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;
  ~Guest() { api->destroy(instance); }

  attn_status supports(const Request& request) {
    return api->supports(instance, &request.plan_args, &error);
  }
  // Plans, executes once, lets the plan go. Returns the first status that is not ATTN_OK.
  attn_status run(Request& request) {
    attn_plan* plan = nullptr;
    attn_status result = api->plan_create(instance, &request.plan_args, &plan, &error);
    if (result != ATTN_OK) return result;
    attn_plan_info info{};
    info.struct_size = ATTN_SIZE_TO(attn_plan_info, kernels);
    result = api->plan_info(plan, &info, &error);
    request.give_workspace(info.workspace_bytes);
    if (result == ATTN_OK) result = api->execute(plan, &request.execute_args, &error);
    api->plan_destroy(plan);
    return result;
  }
  std::string message() const { return text; }

  const attn_provider_api* api;
  const char* id;
  attn_host host{};
  attn_device device{};
  attn_create_args create_args{};
  attn_error error{};
  char text[512] = "";
  attn_instance* instance = nullptr;
  attn_status status = ATTN_OK;  // of create
};

}  // namespace attnbench
