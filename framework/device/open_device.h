// From a device's name to the device. Naming one costs nothing and makes no context; opening it
// does.
#pragma once

#include <attnbench/provider.h>

#include <memory>
#include <string>

#include "device/device.h"

namespace attnbench {

// What a provider's probe() is shown.
struct DeviceIdentity {
  // "cpu", "cuda:0". Throws Error on one that is not there, and where its driver is missing.
  explicit DeviceIdentity(const std::string& device);
  // `facts.name` points at `name`.
  DeviceIdentity(const DeviceIdentity&) = delete;
  DeviceIdentity& operator=(const DeviceIdentity&) = delete;

  std::string name;
  attn_device facts{};
};

std::unique_ptr<Device> open_device(const std::string& device);  // throws Error

}  // namespace attnbench
