#include "kernel_kit/compile.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <optional>

#include "kernel_kit/sha256.h"

namespace kernel_kit {
namespace {

constexpr std::array kKnown = {80, 86, 87, 89, 90, 100, 103, 120, 121};

std::vector<std::string> options_of(const Engine& engine, const Cell& cell,
                                    const std::string& architecture) {
  std::vector<std::string> options = {"--gpu-architecture=" + architecture,
                                      "--std=c++20",
                                      "-default-device",
                                      "--use_fast_math",
                                      "--generate-line-info",
                                      "--ptxas-options=-v"};
  for (const std::string& define : all_defines(engine, cell)) options.push_back("-D" + define);
  return options;
}

// What an entry of the cache holds: the log's length, the log, the image.
std::string pack(const CompilerOutput& output) {
  return std::to_string(output.log.size()) + "\n" + output.log + output.image;
}

std::optional<CompilerOutput> unpack(const std::string& bytes) {
  const size_t line_end = bytes.find('\n');
  if (line_end == std::string::npos) return std::nullopt;
  const size_t log_bytes = std::strtoull(bytes.c_str(), nullptr, 10);
  if (line_end + 1 + log_bytes >= bytes.size()) return std::nullopt;
  return CompilerOutput{bytes.substr(line_end + 1 + log_bytes),
                        bytes.substr(line_end + 1, log_bytes)};
}

std::string summary(const Engine& engine, const Cell& cell, const Report& report, double seconds) {
  std::string line = attn::text("compiled ", engine.name, " head_dim=", cell.head_dim,
                                " block_q=", cell.tile.block_q, " block_k=", cell.tile.block_k,
                                " in ", static_cast<int>(seconds * 1000), " ms:");
  for (const KernelReport& kernel : report.kernels) {
    line += attn::text(" ", kernel.name, " ", kernel.registers, " registers, ", kernel.spill_bytes,
                       " B spilled;");
  }
  for (const std::string& warning : report.warnings) line += " " + warning;
  return line;
}

}  // namespace

Compiler::Compiler(const Texts& texts, Cache cache, Log log)
    : texts_(texts), cache_(std::move(cache)), log_(std::move(log)) {}

std::string Compiler::architecture(int compute_capability) const {
  const bool is_known =
      std::find(kKnown.begin(), kKnown.end(), compute_capability) != kKnown.end() &&
      nvrtc_.supports(compute_capability);
  if (!is_known) return "compute_80";
  // 90a: wgmma, setmaxnreg. The kernels for the others use what every later GPU has too.
  return attn::text("sm_", compute_capability, compute_capability == 90 ? "a" : "");
}

std::string Compiler::key_of(const std::vector<TextFile>& files,
                             const std::vector<std::string>& options) const {
  Sha256 sum;
  sum.add_field("attnbench kernel 1");
  sum.add_field(nvrtc_.version());
  for (const std::string& option : options) sum.add_field(option);
  for (const TextFile& file : files) {
    sum.add_field(file.path);
    sum.add_field(file.text);
  }
  return sum.hex();
}

const Binary& Compiler::get(const Engine& engine, const Cell& cell) {
  const std::vector<TextFile> files = texts_.closure(engine.source);
  const std::vector<std::string> options =
      options_of(engine, cell, architecture(cell.target.compute_capability));
  const std::string key = key_of(files, options);
  if (const auto kept = kept_.find(key); kept != kept_.end()) return kept->second;

  std::optional<CompilerOutput> output;
  if (const std::optional<std::string> entry = cache_.read(key)) output = unpack(*entry);
  const bool is_new = !output.has_value();
  const auto begin = std::chrono::steady_clock::now();
  if (is_new) output = nvrtc_.compile(files, options);
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begin;

  Binary binary{std::move(output->image), std::move(output->log), {}};
  binary.report = read_report(binary.log);
  if (is_new) {
    log_(summary(engine, cell, binary.report, spent.count()));
    const std::string trouble = cache_.write(key, pack({binary.image, binary.log}));
    if (!trouble.empty()) log_("this kernel is not kept for next time: " + trouble);
  }
  return kept_.emplace(key, std::move(binary)).first->second;
}

std::string Compiler::ptx(const Engine& engine, const Cell& cell) const {
  std::string name = architecture(cell.target.compute_capability);
  if (name.starts_with("sm_")) name = "compute_" + name.substr(3);
  return nvrtc_.compile(texts_.closure(engine.source), options_of(engine, cell, name)).image;
}

}  // namespace kernel_kit
