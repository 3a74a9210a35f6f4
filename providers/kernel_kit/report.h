// What the compiler says about the kernels it made: registers, spills, shared memory, and warnings
// that cost speed without being errors (C7512 "wgmma serialized", C7519 "arrive injected").
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kernel_kit {

struct KernelReport {
  std::string name;  // of the entry point
  int registers = 0;
  int spill_bytes = 0;  // stored and loaded, whichever is more
  int static_shared_bytes = 0;
};

struct Report {
  std::vector<KernelReport> kernels;
  std::vector<std::string> warnings;  // "C7512", each once, sorted

  const KernelReport* find(std::string_view kernel) const;  // nullptr where the log has none
};

// Reads the log of a compilation with --ptxas-options=-v. PTX has no such log: an empty report.
Report read_report(std::string_view log);

}  // namespace kernel_kit
