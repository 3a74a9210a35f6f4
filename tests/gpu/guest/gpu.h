// What guests on a GPU are made of: the driver, their kernels, and a forward pass that is right.
#pragma once

#include <dlfcn.h>

#include <array>
#include <attnbench/provider.hpp>

extern "C" const char attnbench_guest_ptx[];

namespace guest {

struct Driver {
  int (*load)(void** module, const void* image);
  int (*find)(void** function, void* module, const char* name);
  int (*launch)(void* function, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,
                unsigned shared_bytes, void* stream, void** arguments, void** extra);
  int (*allocate)(uint64_t* address, size_t bytes);
  int (*free)(uint64_t address);
  int (*zero)(uint64_t address, unsigned char value, size_t bytes, void* stream);
  int (*make_stream)(void** stream, unsigned flags);
  int (*wait)(void* stream);
  int (*destroy_stream)(void* stream);
  int (*unload)(void* module);
  int (*capture_status)(void* stream, int* status);
  int (*use_context)(void* context);
  int (*retain_context)(void** context, int device);

  Driver() {
    void* const library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NODELETE);
    if (library == nullptr) throw attn::Failure(ATTN_UNSUPPORTED, "no libcuda.so.1");
    const auto get = [library](const char* name, auto& function) {
      function =
          reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, name));
    };
    get("cuModuleLoadData", load);
    get("cuModuleGetFunction", find);
    get("cuLaunchKernel", launch);
    get("cuMemAlloc_v2", allocate);
    get("cuMemFree_v2", free);
    get("cuMemsetD8Async", zero);
    get("cuStreamCreate", make_stream);
    get("cuStreamSynchronize", wait);
    get("cuStreamDestroy_v2", destroy_stream);
    get("cuModuleUnload", unload);
    get("cuStreamIsCapturing", capture_status);
    get("cuCtxSetCurrent", use_context);
    get("cuDevicePrimaryCtxRetain", retain_context);
  }
};

inline void check(int result, const char* doing) {
  if (result == 0) return;
  throw attn::Failure(ATTN_EXECUTION_FAILED, std::string(doing) + " failed",
                      ATTN_NATIVE_CUDA_DRIVER, result);
}

struct Forward {  // as in guest_kernels.cu
  const void *q, *k, *v;
  void* o;
  int64_t q_strides[3], kv_strides[3];
  int seqlen_kv, head_dim, queries_per_kv_head;
  float scale;
};

struct Device {
  Driver driver;
  void* module = nullptr;
  void* side_stream = nullptr;

  Device() {
    check(driver.load(&module, attnbench_guest_ptx), "loading kernels");
    check(driver.make_stream(&side_stream, 1), "making a stream");
  }
  ~Device() {
    driver.destroy_stream(side_stream);
    driver.unload(module);
  }
  Device(const Device&) = delete;  // owns a stream and a module
  Device& operator=(const Device&) = delete;

  template <typename... Arguments>
  void run(const char* kernel, void* stream, std::array<int64_t, 3> grid, unsigned threads,
           Arguments... arguments) {
    run_with_shared(0, kernel, stream, grid, threads, arguments...);
  }
  template <typename... Arguments>
  void run_with_shared(unsigned shared_bytes, const char* kernel, void* stream,
                       std::array<int64_t, 3> grid, unsigned threads, Arguments... arguments) {
    void* function = nullptr;
    check(driver.find(&function, module, kernel), kernel);
    void* addresses[] = {static_cast<void*>(&arguments)..., nullptr};
    check(driver.launch(function, static_cast<unsigned>(grid[0]), static_cast<unsigned>(grid[1]),
                        static_cast<unsigned>(grid[2]), threads, 1, 1, shared_bytes, stream,
                        addresses, nullptr),
          kernel);
  }

  void forward(const attn_problem& problem, float scale, const attn::Execution& pass, void* stream,
               unsigned shared_bytes = 0) {
    const attn::Tensor q = pass.tensor(ATTN_ROLE_Q), k = pass.tensor(ATTN_ROLE_K);
    Forward forward{q.data(),
                    k.data(),
                    pass.tensor(ATTN_ROLE_V).data(),
                    pass.tensor(ATTN_ROLE_O).data(),
                    {},
                    {},
                    static_cast<int>(problem.seqlen_kv),
                    static_cast<int>(problem.head_dim_qk),
                    static_cast<int>(problem.heads_q / problem.heads_kv),
                    scale};
    for (int axis = 0; axis < 3; ++axis) {
      forward.q_strides[axis] = q.stride(axis);
      forward.kv_strides[axis] = k.stride(axis);
    }
    run_with_shared(shared_bytes, "forward", stream,
                    {problem.seqlen_q, problem.heads_q, problem.batch}, 128, forward);
  }
};

}  // namespace guest
