#include "kernel_kit/nvrtc.h"

#include <dlfcn.h>
#include <nvrtc.h>

#include <algorithm>
#include <attnbench/provider.hpp>
#include <filesystem>

#include "gpu_common/libraries.h"

namespace kernel_kit {

struct Nvrtc::Functions {
  Functions();

  decltype(&::nvrtcVersion) version;
  decltype(&::nvrtcGetErrorString) error_string;
  decltype(&::nvrtcGetNumSupportedArchs) num_archs;
  decltype(&::nvrtcGetSupportedArchs) archs;
  decltype(&::nvrtcCreateProgram) create;
  decltype(&::nvrtcDestroyProgram) destroy;
  decltype(&::nvrtcCompileProgram) compile;
  decltype(&::nvrtcGetProgramLogSize) log_size;
  decltype(&::nvrtcGetProgramLog) log;
  decltype(&::nvrtcGetCUBINSize) cubin_size;
  decltype(&::nvrtcGetCUBIN) cubin;
  decltype(&::nvrtcGetPTXSize) ptx_size;
  decltype(&::nvrtcGetPTX) ptx;

  void check(nvrtcResult result, const char* doing) const {
    if (result == NVRTC_SUCCESS) return;
    throw attn::Failure(ATTN_COMPILE_FAILED,
                        attn::text("NVRTC, ", doing, ": ", error_string(result)), ATTN_NATIVE_NVRTC,
                        static_cast<int32_t>(result));
  }
};

namespace {

constexpr const char* kFiles[] = {"libnvrtc.so.13", "libnvrtc.so.12"};

// NVRTC asks for its builtins by bare name, which the loader finds only if they are open already.
void open_builtins_beside(void* function) {
  Dl_info where{};
  if (dladdr(function, &where) == 0 || !where.dli_fname) return;
  std::error_code ignored;
  const std::filesystem::path folder = std::filesystem::path(where.dli_fname).parent_path();
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("libnvrtc-builtins.so.")) gpu::preload_library(entry.path().c_str());
  }
}

// The first error with the place where it is: the whole log goes to the run's log.
std::string first_error(const std::string& log) {
  const size_t at = log.find("error");
  if (at == std::string::npos) return log.substr(0, 400);
  const size_t begin = log.rfind('\n', at) + 1;  // npos + 1 is 0
  return log.substr(begin, std::min<size_t>(log.find('\n', at) - begin, 400));
}

}  // namespace

Nvrtc::Functions::Functions() {
  const char* file = nullptr;
  void* const library = gpu::open_any_library(
      kFiles, "install the CUDA 13 Toolkit, or pip install nvidia-cuda-nvrtc", file);
  gpu::find_function(library, file, "nvrtcVersion", version);
  gpu::find_function(library, file, "nvrtcGetErrorString", error_string);
  gpu::find_function(library, file, "nvrtcGetNumSupportedArchs", num_archs);
  gpu::find_function(library, file, "nvrtcGetSupportedArchs", archs);
  gpu::find_function(library, file, "nvrtcCreateProgram", create);
  gpu::find_function(library, file, "nvrtcDestroyProgram", destroy);
  gpu::find_function(library, file, "nvrtcCompileProgram", compile);
  gpu::find_function(library, file, "nvrtcGetProgramLogSize", log_size);
  gpu::find_function(library, file, "nvrtcGetProgramLog", log);
  gpu::find_function(library, file, "nvrtcGetCUBINSize", cubin_size);
  gpu::find_function(library, file, "nvrtcGetCUBIN", cubin);
  gpu::find_function(library, file, "nvrtcGetPTXSize", ptx_size);
  gpu::find_function(library, file, "nvrtcGetPTX", ptx);
  open_builtins_beside(reinterpret_cast<void*>(version));
}

class Nvrtc::Program {
 public:
  Program(const Functions& nvrtc, const std::vector<TextFile>& files) : nvrtc_(nvrtc) {
    std::vector<const char*> texts, paths;
    for (const TextFile& file : files) {
      texts.push_back(file.text);
      paths.push_back(file.path);
    }
    const int num_headers = static_cast<int>(files.size()) - 1;
    nvrtc_.check(nvrtc_.create(&program_, texts[0], paths[0], num_headers, texts.data() + 1,
                               paths.data() + 1),
                 "taking the text of a kernel");
  }
  ~Program() { nvrtc_.destroy(&program_); }
  // Owns a program.
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // Returns the log.
  std::string compile(const std::vector<std::string>& options) const {
    std::vector<const char*> pointers;
    for (const std::string& option : options) pointers.push_back(option.c_str());
    const nvrtcResult result =
        nvrtc_.compile(program_, static_cast<int>(pointers.size()), pointers.data());
    std::string log = text(nvrtc_.log_size, nvrtc_.log, "reading its log");
    while (!log.empty() && log.back() == '\0') log.pop_back();
    if (result != NVRTC_SUCCESS) {
      throw attn::Failure(
          ATTN_COMPILE_FAILED,
          attn::text("NVRTC, ", nvrtc_.error_string(result), ": ", first_error(log)),
          ATTN_NATIVE_NVRTC, static_cast<int32_t>(result));
    }
    return log;
  }

  std::string cubin() const { return text(nvrtc_.cubin_size, nvrtc_.cubin, "reading its cubin"); }
  std::string ptx() const { return text(nvrtc_.ptx_size, nvrtc_.ptx, "reading its PTX"); }

 private:
  template <typename GetSize, typename Get>
  std::string text(GetSize get_size, Get get, const char* doing) const {
    size_t num_bytes = 0;
    nvrtc_.check(get_size(program_, &num_bytes), doing);
    std::string bytes(num_bytes, '\0');
    nvrtc_.check(get(program_, bytes.data()), doing);
    return bytes;
  }

  const Functions& nvrtc_;
  nvrtcProgram program_ = nullptr;
};

Nvrtc::~Nvrtc() = default;

Nvrtc::Nvrtc() : functions_(std::make_unique<const Functions>()) {
  int major = 0, minor = 0;
  functions_->check(functions_->version(&major, &minor), "asking for its version");
  version_ = attn::text(major, ".", minor);
}

bool Nvrtc::supports(int compute_capability) const {
  int num_archs = 0;
  functions_->check(functions_->num_archs(&num_archs), "asking for its architectures");
  std::vector<int> archs(static_cast<size_t>(num_archs));
  functions_->check(functions_->archs(archs.data()), "asking for its architectures");
  return std::find(archs.begin(), archs.end(), compute_capability) != archs.end();
}

CompilerOutput Nvrtc::compile(const std::vector<TextFile>& files,
                              const std::vector<std::string>& options) const {
  const Program program(*functions_, files);
  std::string log = program.compile(options);
  const bool is_virtual = std::any_of(options.begin(), options.end(), [](const std::string& o) {
    return o.starts_with("--gpu-architecture=compute_");
  });
  return {is_virtual ? program.ptx() : program.cubin(), std::move(log)};
}

}  // namespace kernel_kit
