#include "device/open_device.h"

#include "base/error.h"
#include "device/cpu_device.h"
#include "device/cpu_facts.h"
#include "device/cuda_device.h"
#include "device/cuda_facts.h"

namespace attnbench {
namespace {

[[noreturn]] void throw_unknown(const std::string& device) {
  throw Error("there is no device \"" + device + "\"", "devices are cpu, cuda:0, cuda:1, ...");
}

}  // namespace

DeviceIdentity::DeviceIdentity(const std::string& device) {
  if (device == "cpu") {
    name = cpu_name();
    facts.struct_size = ATTN_SIZE_TO(attn_device, uuid);
    facts.id = {ATTN_DEVICE_CPU, 0};
    facts.total_memory_bytes = total_memory_bytes();
  } else if (const std::optional<int> ordinal = cuda_ordinal(device)) {
    identify_cuda(CudaDriver(), *ordinal, facts, name);
  } else {
    throw_unknown(device);
  }
  facts.name = name.c_str();
}

std::unique_ptr<Device> open_device(const std::string& device) {
  if (device == "cpu") return std::make_unique<CpuDevice>();
  const std::optional<int> ordinal = cuda_ordinal(device);
  if (!ordinal) throw_unknown(device);
  return std::make_unique<CudaDevice>(*ordinal);
}

}  // namespace attnbench
