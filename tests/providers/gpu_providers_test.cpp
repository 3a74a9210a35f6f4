// The GPU providers on a machine without a GPU: they load, describe themselves and say what is
// missing.
#include "plugins_api/guest.h"
#include "support/catch.h"

namespace attnbench {
namespace {

struct Probed {
  attn_status status;
  int32_t score;
  std::string message;
};

Probed probe(const std::string& id, int32_t device_type, int32_t cc_major) {
  const attn_provider_api* table =
      load_table(ATTNBENCH_BUILD_DIR "/lib/attnbench/providers/" + id + ".provider.so");
  attn_device device{};
  device.struct_size = ATTN_SIZE_TO(attn_device, uuid);
  device.id = {device_type, 0};
  device.cc_major = cc_major;
  char text[512] = "";
  attn_error error{};
  error.struct_size = ATTN_SIZE_TO(attn_error, message_length);
  error.message = text;
  error.message_capacity = sizeof text;
  int32_t score = -1;
  const attn_status status = table->probe(id.c_str(), &device, &score, &error);
  return {status, score, text};
}

const char* const kProviders[] = {ATTNBENCH_GPU_PROVIDERS};

TEST_CASE("a GPU older than Ampere is refused with both capabilities named", "[gpu_providers]") {
  for (const std::string id : kProviders) {
    const Probed old = probe(id, ATTN_DEVICE_CUDA, 7);
    CHECK(old.status == ATTN_UNSUPPORTED_DEVICE);
    CHECK(old.score == 0);
    CHECK(old.message.find("7.0, needs 8.0") != std::string::npos);
  }
}

TEST_CASE("a library that is missing is named, with the way to get it", "[gpu_providers]") {
  for (const std::string id : kProviders) {
    const Probed hopper = probe(id, ATTN_DEVICE_CUDA, 9);
    if (hopper.status == ATTN_OK) {
      CHECK(hopper.score > 0);  // the library is here
      continue;
    }
    CHECK(hopper.status == ATTN_UNSUPPORTED_DEPENDENCY);
    CHECK(hopper.message.find("pip install nvidia-") != std::string::npos);
  }
}

}  // namespace
}  // namespace attnbench
