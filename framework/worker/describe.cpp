#include "worker/describe.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "device/open_device.h"
#include "provider/library.h"

namespace attnbench {
namespace {

// "cuda:0" is of type "cuda".
std::string type_of(const std::string& device) {
  return device.substr(0, device.find(':'));
}

Usability usability_on(const std::string& device, const ProviderInfo& info,
                       const ProviderLibrary& library) {
  const std::vector<std::string>& types = info.device_types;
  if (std::find(types.begin(), types.end(), type_of(device)) == types.end()) {
    return {device, 0, fmt::format("serves {} only", join(types, ", "))};
  }
  try {
    const DeviceIdentity identity(device);
    return library.probe(info.id, identity.facts, device);
  } catch (const Error& error) {
    return {device, 0, error.what()};
  }
}

}  // namespace

DescribeReply describe_library(const DescribeRequest& request, Channel& channel) {
  channel.enter(Phase::load);
  try {
    const ProviderLibrary library(request.path);
    channel.enter(Phase::probe);
    DescribeReply reply{library.infos()};
    for (ProviderInfo& info : reply.providers) {
      for (const std::string& device : request.devices) {
        info.usable.push_back(usability_on(device, info, library));
      }
    }
    return reply;
  } catch (const LibraryError& error) {
    ProviderInfo row;
    row.state = error.state;
    row.reason = error.what();
    return {{row}};
  }
}

}  // namespace attnbench
