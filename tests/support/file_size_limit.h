// A disk that fills up, without a disk: while it lives, no file may grow past a length, so a write
// stops half way with an error, as it does on a full disk.
#pragma once

#include <sys/resource.h>
#include <csignal>

class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    former_action_ = signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &former_limit_);
    const rlimit limit = {bytes, former_limit_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  // Must not be copied: it puts back what it found once.
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &former_limit_);
    signal(SIGXFSZ, former_action_);
  }

 private:
  rlimit former_limit_;
  sighandler_t former_action_;
};
