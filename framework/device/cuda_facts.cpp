#include "device/cuda_facts.h"

#include <fmt/format.h>

#include <charconv>
#include <cstring>

#include "base/error.h"

namespace attnbench {
namespace {

// CUdevice_attribute in cuda.h.
constexpr int kMajor = 75, kMinor = 76, kL2Bytes = 38, kSharedBytesOptIn = 97;

struct DataSheet {
  std::string_view name;  // the driver's name begins like this; the longer entry wins
  double tflops_16bit;    // dense, on tensor cores at boost clock
  double tflops_tf32;     // what fp32 inputs reach at best
  double gbps;
};

// NVIDIA's data sheets; where one gives figures "with sparsity", half of them.
constexpr DataSheet kDataSheets[] = {
    {"NVIDIA A10", 125, 62.5, 600},
    {"NVIDIA A30", 165, 82, 933},
    {"NVIDIA A40", 149.7, 74.8, 696},
    {"NVIDIA A100-SXM4-40GB", 312, 156, 1555},
    {"NVIDIA A100-SXM4-80GB", 312, 156, 2039},
    {"NVIDIA A100-PCIE-40GB", 312, 156, 1555},
    {"NVIDIA A100 80GB PCIe", 312, 156, 1935},
    {"NVIDIA L4", 121, 60, 300},
    {"NVIDIA L40", 181, 90.5, 864},
    {"NVIDIA L40S", 362, 183, 864},
    {"NVIDIA H100 PCIe", 756, 378, 2039},
    {"NVIDIA H100 NVL", 835, 417.5, 3938},
    {"NVIDIA H100 80GB HBM3", 989.4, 494.7, 3352},
    {"NVIDIA H200", 989.4, 494.7, 4800},
    {"NVIDIA H200 NVL", 835, 417.5, 4800},
    {"NVIDIA B200", 2250, 1125, 8000},
};

// "NVIDIA A10" must not serve for "NVIDIA A10G" nor "NVIDIA L4" for "NVIDIA L40".
bool begins_with_words(std::string_view name, std::string_view words) {
  return name.starts_with(words) &&
         (name.size() == words.size() || name[words.size()] == ' ' || name[words.size()] == '-');
}

CuDevice device_at(const CudaDriver& driver, int ordinal) {
  int count = 0;
  driver.check(driver.cuDeviceGetCount(&count), "counting GPUs");
  if (ordinal >= count) {
    throw Error(fmt::format("there is no device \"cuda:{}\" on this machine", ordinal),
                count == 0 ? "no GPU is visible: see nvidia-smi and CUDA_VISIBLE_DEVICES"
                           : fmt::format("GPUs here: cuda:0 to cuda:{}", count - 1));
  }
  CuDevice device = 0;
  driver.check(driver.cuDeviceGet(&device, ordinal), "opening a GPU");
  return device;
}

int attribute(const CudaDriver& driver, CuDevice device, int number) {
  int value = 0;
  driver.check(driver.cuDeviceGetAttribute(&value, number, device), "asking for a GPU's attribute");
  return value;
}

std::string name_of(const CudaDriver& driver, CuDevice device) {
  char name[256] = "";
  driver.check(driver.cuDeviceGetName(name, sizeof(name), device), "asking for a GPU's name");
  return name;
}

uint64_t memory_bytes(const CudaDriver& driver, CuDevice device) {
  size_t bytes = 0;
  driver.check(driver.cuDeviceTotalMem(&bytes, device), "asking for a GPU's memory");
  return bytes;
}

}  // namespace

std::optional<int> cuda_ordinal(std::string_view device) {
  constexpr std::string_view kPrefix = "cuda:";
  if (!device.starts_with(kPrefix)) return std::nullopt;
  const char* const end = device.data() + device.size();
  int ordinal = -1;
  const std::from_chars_result read = std::from_chars(device.data() + kPrefix.size(), end, ordinal);
  if (read.ec != std::errc() || read.ptr != end || ordinal < 0) return std::nullopt;
  return ordinal;
}

void identify_cuda(const CudaDriver& driver, int ordinal, attn_device& facts, std::string& name) {
  const CuDevice device = device_at(driver, ordinal);
  name = name_of(driver, device);
  facts.struct_size = ATTN_SIZE_TO(attn_device, uuid);
  facts.id = {ATTN_DEVICE_CUDA, ordinal};
  facts.cc_major = attribute(driver, device, kMajor);
  facts.cc_minor = attribute(driver, device, kMinor);
  facts.total_memory_bytes = memory_bytes(driver, device);
  facts.shared_memory_bytes = static_cast<uint64_t>(attribute(driver, device, kSharedBytesOptIn));
  unsigned char uuid[16];
  driver.check(driver.cuDeviceGetUuid(&uuid, device), "asking for a GPU's UUID");
  std::memcpy(facts.uuid, uuid, sizeof(uuid));
}

DeviceFacts facts_of_cuda(const CudaDriver& driver, int ordinal) {
  const CuDevice device = device_at(driver, ordinal);
  DeviceFacts facts;
  facts.name = name_of(driver, device);
  facts.memory_bytes = memory_bytes(driver, device);
  facts.cache_bytes = static_cast<uint64_t>(attribute(driver, device, kL2Bytes));
  add_data_sheet(facts.name, facts);
  return facts;
}

void add_data_sheet(std::string_view name, DeviceFacts& facts) {
  const DataSheet* found = nullptr;
  for (const DataSheet& sheet : kDataSheets) {
    if (!begins_with_words(name, sheet.name)) continue;
    if (found == nullptr || sheet.name.size() > found->name.size()) found = &sheet;
  }
  if (found == nullptr) return;
  facts.peak_tflops_16bit = found->tflops_16bit;
  facts.peak_tflops_fp32 = found->tflops_tf32;
  facts.peak_gbps = found->gbps;
}

}  // namespace attnbench
