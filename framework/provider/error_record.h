// The record and buffer in which a provider says why a call failed, ready to pass.
#pragma once

#include <attnbench/provider.h>

#include <array>
#include <string>

#include "provider/call_failure.h"

namespace attnbench {

class ErrorRecord {
 public:
  ErrorRecord();
  // The record points into this object.
  ErrorRecord(const ErrorRecord&) = delete;
  ErrorRecord& operator=(const ErrorRecord&) = delete;

  attn_error* get() { return &record_; }
  // What the provider wrote, up to the NUL that it may have forgotten.
  std::string text() const;
  // What went wrong, once a call has returned `status`.
  CallFailure failure(attn_status status) const;
  void throw_unless_ok(attn_status status) const {
    if (status != ATTN_OK) throw failure(status);
  }

 private:
  std::array<char, 4096> text_{};
  attn_error record_{};
};

}  // namespace attnbench
