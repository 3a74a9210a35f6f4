// cuDNN on one device: the library, opened once, and a handle that works on the caller's stream.
#pragma once

#include <attnbench/provider.h>

#include <string>

struct cudnnContext;

namespace cudnn_sdpa {

// Opens libcudnn for the rest of the process. Returns its version, as "9.19.0". Throws
// attn::Failure where it is missing or too old. Makes no context.
std::string open_cudnn();

// cuDNN has no word for a GPU whose memory others have filled: it meets an internal error, or finds
// no engine. `status`, or the right one where there is no memory to be had.
attn_status named_rightly(attn_status status);

class Session {
 public:
  Session();  // throws attn::Failure
  ~Session();
  // A handle belongs to one owner.
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  cudnnContext* handle() const { return handle_; }
  void use_stream(void* stream);

 private:
  cudnnContext* handle_ = nullptr;
  void* stream_ = nullptr;
};

}  // namespace cudnn_sdpa
