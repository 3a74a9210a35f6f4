#include "session.h"

#include <cudnn.h>

#include <attnbench/provider.hpp>

#include "gpu_common/driver.h"
#include "gpu_common/libraries.h"

// cudnn-frontend looks its functions up in this handle, whose name and place it prescribes.
namespace cudnn_frontend {
extern void* cudnn_dlhandle;
void* cudnn_dlhandle = nullptr;
}  // namespace cudnn_frontend

namespace cudnn_sdpa {
namespace {

constexpr const char* kFile = "libcudnn.so.9";
constexpr const char* kHowToGet = "install cuDNN 9 for CUDA 13 (pip install nvidia-cudnn-cu13)";
constexpr size_t kOldestVersion = 90700;

template <typename Function>
Function* function_named(const char* name, Function*) {
  Function* found = nullptr;
  gpu::find_function(cudnn_frontend::cudnn_dlhandle, kFile, name, found);
  return found;
}

void check(cudnnStatus_t status, const char* doing) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  const char* words = function_named("cudnnGetErrorString", &cudnnGetErrorString)(status);
  throw attn::Failure(named_rightly(ATTN_INIT_FAILED), attn::text("cuDNN, ", doing, ": ", words),
                      ATTN_NATIVE_CUDNN, static_cast<int32_t>(status));
}

std::string version_text(size_t version) {
  return attn::text(version / 10000, ".", version / 100 % 100, ".", version % 100);
}

}  // namespace

std::string open_cudnn() {
  if (!cudnn_frontend::cudnn_dlhandle) {
    // Whoever asks for these by name later (cudnn-frontend, cuDNN's own parts) then finds them.
    for (const char* file : {"libcudart.so.13", "libnvrtc.so.13", "libcublasLt.so.13"}) {
      gpu::preload_library(file);
    }
    cudnn_frontend::cudnn_dlhandle = gpu::open_library(kFile, kHowToGet);
  }
  const size_t version = function_named("cudnnGetVersion", &cudnnGetVersion)();
  if (version < kOldestVersion) {
    throw attn::Failure(ATTN_UNSUPPORTED_DEPENDENCY,
                        attn::text("cuDNN ", version_text(version), " is too old, needs ",
                                   version_text(kOldestVersion), " -- ", kHowToGet));
  }
  return version_text(version);
}

attn_status named_rightly(attn_status status) {
  constexpr size_t kWorthTrying = 32 << 20;
  size_t free_bytes = 0, total_bytes = 0;
  const bool is_known = gpu::Driver().mem_info(&free_bytes, &total_bytes) == CUDA_SUCCESS;
  return is_known && free_bytes < kWorthTrying ? ATTN_OUT_OF_DEVICE_MEMORY : status;
}

Session::Session() {
  open_cudnn();
  check(function_named("cudnnCreate", &cudnnCreate)(&handle_), "making a handle");
}

Session::~Session() {
  function_named("cudnnDestroy", &cudnnDestroy)(handle_);
}

void Session::use_stream(void* stream) {
  if (stream == stream_) return;
  check(
      function_named("cudnnSetStream", &cudnnSetStream)(handle_, static_cast<cudaStream_t>(stream)),
      "taking the caller's stream");
  stream_ = stream;
}

}  // namespace cudnn_sdpa
