#include "kernel_kit/report.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

namespace kernel_kit {
namespace {

// The number right before `words`, or 0: number_before("Used 57 registers", " registers") is 57.
int number_before(std::string_view line, std::string_view words) {
  const size_t end = line.find(words);
  if (end == std::string_view::npos) return 0;
  size_t begin = end;
  while (begin > 0 && std::isdigit(static_cast<unsigned char>(line[begin - 1]))) --begin;
  return std::atoi(std::string(line.substr(begin, end - begin)).c_str());
}

// The text between single quotes behind `words`.
std::string quoted_after(std::string_view line, std::string_view words) {
  const size_t found = line.find(words);
  if (found == std::string_view::npos) return {};
  const size_t begin = found + words.size();
  return std::string(line.substr(begin, line.find('\'', begin) - begin));
}

// "(C7512)" and its like: ptxas numbers its remarks on lost performance from C7500 on.
void add_warnings(std::string_view line, std::vector<std::string>& warnings) {
  for (size_t at = line.find("(C75"); at != std::string_view::npos;
       at = line.find("(C75", at + 1)) {
    const size_t end = line.find(')', at);
    if (end != std::string_view::npos) warnings.emplace_back(line.substr(at + 1, end - at - 1));
  }
}

}  // namespace

const KernelReport* Report::find(std::string_view kernel) const {
  for (const KernelReport& report : kernels) {
    if (report.name == kernel) return &report;
  }
  return nullptr;
}

Report read_report(std::string_view log) {
  Report report;
  while (!log.empty()) {
    const std::string_view line = log.substr(0, log.find('\n'));
    log.remove_prefix(std::min(log.size(), line.size() + 1));
    add_warnings(line, report.warnings);
    const std::string entry = quoted_after(line, "Compiling entry function '");
    if (!entry.empty()) report.kernels.push_back({.name = entry});
    if (report.kernels.empty()) continue;

    // A function that was not inlined has a line of its own: its spills are its caller's too.
    KernelReport& kernel = report.kernels.back();
    kernel.spill_bytes = std::max({kernel.spill_bytes, number_before(line, " bytes spill stores"),
                                   number_before(line, " bytes spill loads")});
    kernel.registers = std::max(kernel.registers, number_before(line, " registers"));
    kernel.static_shared_bytes =
        std::max(kernel.static_shared_bytes, number_before(line, " bytes smem"));
  }
  std::sort(report.warnings.begin(), report.warnings.end());
  report.warnings.erase(std::unique(report.warnings.begin(), report.warnings.end()),
                        report.warnings.end());
  return report;
}

}  // namespace kernel_kit
