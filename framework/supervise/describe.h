// What is installed: each provider file described by a short-lived worker of its own, so that a
// file that crashes or hangs while loading is a row with a reason and no more.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "model/provider_info.h"
#include "provider/discovery.h"
#include "supervise/worker_process.h"

namespace attnbench {

struct DescribeSettings {
  WorkerSettings worker;
  std::vector<std::string> devices;  // for which usability is asked: "cpu", "cuda:0"
  // Descriptions are kept here by the file's identity, failures too; empty: nothing is kept.
  std::filesystem::path cache_file;
  bool retry_failures = false;  // ask again about files that crashed or hung
  bool asks_anew = false;       // ask about all; the cache learns of it
};

// One row per provider in search order (a file may hold several; a broken one is one row). Of rows
// with one id the first is kept, the others are `shadowed` with the winner's path as their reason.
// Refused places are rows as well: state load_failed with the reason.
std::vector<ProviderInfo> describe_providers(const Discovery& discovery,
                                             const DescribeSettings& settings);

}  // namespace attnbench
