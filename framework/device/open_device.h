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
  explicit DeviceIdentity(const std::string& device);  // "cpu"; throws Error on one there is not
  // `facts.name` points at `name`.
  DeviceIdentity(const DeviceIdentity&) = delete;
  DeviceIdentity& operator=(const DeviceIdentity&) = delete;

  std::string name;
  attn_device facts{};
};

std::unique_ptr<Device> open_device(const std::string& device);  // throws Error

}  // namespace attnbench
