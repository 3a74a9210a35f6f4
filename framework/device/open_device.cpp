#include "device/open_device.h"

#include "base/error.h"
#include "device/cpu_device.h"
#include "device/cpu_facts.h"

namespace attnbench {

DeviceIdentity::DeviceIdentity(const std::string& device) : name(cpu_name()) {
  if (device != "cpu") {
    throw Error("there is no device \"" + device + "\" on this machine", "devices here: cpu");
  }
  facts.struct_size = ATTN_SIZE_TO(attn_device, uuid);
  facts.id = {ATTN_DEVICE_CPU, 0};
  facts.total_memory_bytes = total_memory_bytes();
  facts.name = name.c_str();
}

std::unique_ptr<Device> open_device(const std::string& device) {
  if (device != "cpu") {
    throw Error("there is no device \"" + device + "\" on this machine", "devices here: cpu");
  }
  return std::make_unique<CpuDevice>();
}

}  // namespace attnbench
