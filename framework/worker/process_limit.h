// One of this process's limits, lowered for a while: how a check makes a machine that has run out.
#pragma once

#include <sys/resource.h>

#include <algorithm>
#include <cstdint>

namespace attnbench {

class ProcessLimit {
 public:
  explicit ProcessLimit(__rlimit_resource resource) : resource_(resource) {
    getrlimit(resource_, &former_);
  }
  ProcessLimit(const ProcessLimit&) = delete;  // it puts back what it found once
  ProcessLimit& operator=(const ProcessLimit&) = delete;
  ~ProcessLimit() { setrlimit(resource_, &former_); }
  void set(uint64_t value) {
    const rlimit limit = {std::min<rlim_t>(value, former_.rlim_cur), former_.rlim_max};
    setrlimit(resource_, &limit);
  }

 private:
  __rlimit_resource resource_;
  rlimit former_{};
};

}  // namespace attnbench
